"""deploy_to=compose: one machine, no moving tag, no password in git, and nothing may do more than it must."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from bake import bake, cookiecutter

UNKNOWN_DIGEST = {"ghcr.io/mlflow/mlflow"}  # exact tag only: its digest was not known when the file was written
TASKS = {"folders"}  # ends by itself


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bake(
        tmp_path_factory.mktemp("compose"), "deploy_to=compose", "project_slug=term_deposits", "github_owner=Acme"
    )


@pytest.fixture(scope="module")
def compose(project: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((project / "deploy/compose/compose.yaml").read_text(encoding="utf-8"))
    return content


def example(project: Path) -> dict[str, str]:
    lines = (project / "deploy/compose/.env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def interpolated(text: str, values: dict[str, str]) -> str:
    """`${NAME}` and `${NAME:?why}` as Compose reads them: the second refuses an empty value."""

    def value(match: re.Match[str]) -> str:
        name, why = match[1], match[2]
        if why is not None and not values.get(name):
            raise LookupError(f"{name}: {why}")
        return values[name]

    return re.sub(r"\$\{(\w+)(?::\?([^}]*))?\}", value, text)


def test_compose_file_and_updates_follow_their_schemas(project: Path) -> None:
    for schema, name in (("compose-spec", "deploy/compose/compose.yaml"), ("dependabot", ".github/dependabot.yml")):
        command = [
            sys.executable,
            "-m",
            "check_jsonschema",
            "--builtin-schema",
            f"vendor.{schema}",
            str(project / name),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
    updates = yaml.safe_load((project / ".github/dependabot.yml").read_text(encoding="utf-8"))["updates"]
    assert {"package-ecosystem": "docker-compose", "directory": "/deploy/compose"}.items() <= updates[-1].items()


def test_nothing_starts_until_digest_passwords_and_address_are_given(project: Path) -> None:
    text = (project / "deploy/compose/compose.yaml").read_text(encoding="utf-8")
    given = example(project)
    assert {name for name, value in given.items() if not value} == {
        "IMAGE_DIGEST",
        "POSTGRES_PASSWORD",
        "GRAFANA_PASSWORD",
    }
    complete = given | {"IMAGE_DIGEST": "sha256:" + "1" * 64, "POSTGRES_PASSWORD": "a", "GRAFANA_PASSWORD": "b"}
    assert "${" not in interpolated(text, complete)
    for name in complete:
        with pytest.raises(LookupError, match=rf"{name}: set it in \.env"):
            interpolated(text, complete | {name: ""})
    # Nobody's password is written down: every variable that is one comes from .env.
    secrets = re.findall(r"^\s+\w*PASSWORD: (.+)$", text, re.MULTILINE)
    assert len(secrets) >= 3
    assert [value for value in secrets if not value.startswith("${")] == []


def test_git_ignores_the_file_with_the_passwords(project: Path) -> None:
    (project / "deploy/compose/.env").write_text("POSTGRES_PASSWORD=a\n", encoding="utf-8")
    command = ["git", "-C", str(project), "status", "--porcelain", "--untracked-files=all"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (project / "deploy/compose/.env").unlink()
    assert "deploy/compose/.env.example" in listed
    assert "deploy/compose/.env\n" not in listed


def test_every_image_is_pinned_and_the_service_runs_by_digest(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        image = service["image"]
        if name == "service":
            assert re.fullmatch(r"ghcr\.io/acme/term_deposits@\$\{IMAGE_DIGEST:\?[^}]+\}", image)
        elif image.partition(":")[0] in UNKNOWN_DIGEST:
            assert re.fullmatch(r"[\w./-]+:v\d+\.\d+\.\d+-full", image)
        else:
            assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+[\w.-]*@sha256:[0-9a-f]{64}", image), name


def test_mlflow_serves_the_version_that_training_logs_with_by_options_that_it_has(compose: dict[str, Any]) -> None:
    from mlflow import __version__
    from mlflow.cli import server

    service = compose["services"]["mlflow"]
    assert re.search(r":v(\d+\.\d+)\.", service["image"])[1] == ".".join(__version__.split(".")[:2])  # type: ignore[index]  # tested above
    known = {option for parameter in server.params for option in parameter.opts}
    assert service["command"][:2] == ["mlflow", "server"]
    assert {word.partition("=")[0] for word in service["command"][2:]} <= known


def test_every_container_may_do_no_more_than_it_must(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service.get("cap_add", []) == (["CHOWN"] if name == "folders" else []), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service, name
        assert {"cpus", "memory", "pids"} == set(service["deploy"]["resources"]["limits"]), name
        assert service["logging"]["options"]["max-size"], name
        assert all(port.startswith("${LISTEN") for port in service.get("ports", [])), name
        assert "ports" not in service or name != "postgres"


def test_every_container_says_whether_it_is_well_and_waits_for_what_it_needs(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, service in services.items():
        assert ("healthcheck" in service) == (name not in TASKS), name
        for needed, how in service.get("depends_on", {}).items():
            assert how["condition"] == ("service_completed_successfully" if needed in TASKS else "service_healthy")
            assert needed in services


def test_every_volume_network_and_file_that_is_named_is_there(project: Path, compose: dict[str, Any]) -> None:
    mounted, networks = set(), set()
    for service in compose["services"].values():
        networks |= set(service.get("networks", []))
        for volume in service.get("volumes", []):
            source, target, *mode = volume.split(":")
            if source.startswith("."):
                assert mode == ["ro"], volume
                assert (project / "deploy/compose" / source).resolve().is_file(), volume
                assert Path(target).suffix == Path(source).suffix
            else:
                mounted.add(source)
    assert mounted == set(compose["volumes"])
    assert networks == set(compose["networks"])


def test_other_answers_leave_none_of_it(project: Path, tmp_path: Path) -> None:
    assert {path.name for path in (project / "deploy").iterdir()} == {"compose", "monitoring"}
    plain = bake(tmp_path, "project_slug=plain")
    assert not (plain / "deploy").exists()
    assert "deploy/" not in (plain / "README.md").read_text(encoding="utf-8")
    assert "docker-compose" not in (plain / ".github/dependabot.yml").read_text(encoding="utf-8")


def test_generating_again_with_another_answer_keeps_what_the_user_has_put_there(tmp_path: Path) -> None:
    project = bake(tmp_path, "deploy_to=compose", "project_slug=again")
    own = {"deploy/compose/.env": "IMAGE_DIGEST=", "deploy/terraform/main.tf": "#", "deploy/notes.md": "mine"}
    for name, content in own.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(content, encoding="utf-8")
    flags = ("--no-input", "--overwrite-if-exists")
    done = cookiecutter(tmp_path, "deploy_to=kubernetes", "project_slug=again", flags=flags)
    assert done.returncode == 0, done.stderr
    assert {name: (project / name).read_text(encoding="utf-8") for name in own} == own
    assert not (project / "deploy/compose/compose.yaml").exists()
    assert (project / "deploy/kubernetes/base/deployment.yaml").exists()
