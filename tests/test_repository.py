"""The repository keeps its own rules: locks, workflows, Makefile and pages agree with each other."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import ChainableUndefined, Environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "requirements-test.lock")
PAGES = ("README.md", "CONTRIBUTING.md")
# Hosts of package registries, spelt so that this file does not name one.
REGISTRY_HOSTS = re.compile(r"py.i\.org|python.osted\.|registry\.n.mjs|deb\.debi.n|conda\.an.conda")


def run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the repository's root."""
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, check=False, timeout=300
    )


def committed() -> list[Path]:
    """Every file that git knows, and that is there."""
    names = run("git", "-c", "safe.directory=*", "ls-files", "-z").stdout.split("\0")
    assert "README.md" in names
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def workflows() -> list[Path]:
    """This repository's own workflows."""
    return sorted((ROOT / ".github/workflows").glob("*.yml"))


def pyproject() -> dict[str, Any]:
    """The content of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def group(name: str) -> list[str]:
    """The requirements of a dependency group, included groups too."""
    entries: list[str | dict[str, str]] = pyproject()["dependency-groups"][name]
    return [
        line for entry in entries for line in ([entry] if isinstance(entry, str) else group(entry["include-group"]))
    ]


def locked(lock: str) -> dict[str, set[str]]:
    """The versions that a lock file pins, by canonical name; more than one where Pythons differ."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


def targets() -> set[str]:
    """The targets that the Makefile declares."""
    declared = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert declared is not None
    return set(declared[1].split())


def shell_lines(page: str) -> list[str]:
    """The commands in a page's shell blocks."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


def test_no_committed_file_names_a_registry_host_so_that_any_mirror_serves() -> None:
    named = [path for path in committed() if REGISTRY_HOSTS.search(path.read_text(encoding="utf-8", errors="replace"))]
    assert named == []


def test_one_uv_installs_everything_from_these_tests_to_the_image() -> None:
    names = re.compile(r"uv_version=(\S+)|setup-uv@[^\n]*\n\s*with:\n\s*version: \"(\S+)\"|\"uv==(\d\S+)")
    found = [
        match
        for path in committed()
        if "tests" not in path.parts
        for match in names.findall(path.read_text(errors="replace"))
    ]
    versions = ["".join(match) for match in found]
    assert len(versions) >= 7
    assert len(set(versions)) == 1, versions


def test_no_committed_file_is_large() -> None:
    assert [path for path in committed() if path.stat().st_size > 500_000] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_of_a_lock_has_a_hash_and_no_option_or_address(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8").replace("\\\n", "")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines
    assert [line for line in lines if not re.match(r"[a-z0-9._-]+(\[[a-z0-9,-]+\])?==\S+ .*--hash=sha256:", line)] == []


@pytest.mark.parametrize(
    ("lock", "groups"), [("requirements.lock", []), ("requirements-test.lock", ["test"])], ids=["engine", "tests"]
)
def test_lock_is_fresh_every_requirement_is_pinned_within_its_bounds(lock: str, groups: list[str]) -> None:
    pins = locked(lock)
    for line in [*pyproject()["project"]["dependencies"], *(line for name in groups for line in group(name))]:
        requirement = Requirement(line)
        versions = pins.get(canonicalize_name(requirement.name), set())
        assert versions, f"{lock} lacks {requirement.name}: run `make lock`"
        assert all(requirement.specifier.contains(version) for version in versions), f"{lock}: {line}: run `make lock`"


def test_engine_is_tested_with_the_very_versions_that_its_lock_installs() -> None:
    tested = locked("requirements-test.lock")
    assert {
        name: versions for name, versions in locked("requirements.lock").items() if tested.get(name) != versions
    } == {}


def test_tests_install_what_a_generated_project_installs() -> None:
    environment = Environment(undefined=ChainableUndefined, autoescape=False)
    environment.filters["jsonify"] = lambda value: json.dumps(str(value))
    source = ROOT / "{{cookiecutter.project_slug}}" / "pyproject.toml"
    rendered = tomllib.loads(environment.from_string(source.read_text(encoding="utf-8")).render())
    groups = rendered["dependency-groups"]
    every = [*rendered["project"]["dependencies"], *(line for name in groups for line in groups[name])]
    wanted = {str(Requirement(line)) for line in every if isinstance(line, str)}  # the others include a group of these
    assert {str(Requirement(line)) for line in group("project")} == wanted


def test_engine_requires_nothing_that_is_not_bounded() -> None:
    for line in [*pyproject()["project"]["dependencies"], *group("test")]:
        assert any(bound.operator in ("<", "==", "~=") for bound in Requirement(line).specifier), line


def test_uv_is_pinned_to_one_version_everywhere_and_can_build_the_engine() -> None:
    pinned = re.search(r"^uv_version=(\S+)$", (ROOT / ".ci/environment").read_text(encoding="utf-8"), re.MULTILINE)
    assert pinned is not None
    (backend,) = pyproject()["build-system"]["requires"]
    assert Requirement(backend).specifier.contains(pinned[1])
    for path in workflows():
        named = re.findall(r"setup-uv@.*\n\s+with:\n\s+version: \"(.+)\"", path.read_text(encoding="utf-8"))
        assert set(named) <= {pinned[1]}, path.name


@pytest.mark.parametrize(
    ("schema", "pattern"),
    [
        ("vendor.github-workflows", ".github/workflows/*.yml"),
        ("custom.github-workflows-require-timeout", ".github/workflows/*.yml"),
        ("vendor.dependabot", ".github/dependabot.yml"),
    ],
)
def test_workflow_files_follow_their_schema_and_every_job_has_a_timeout(schema: str, pattern: str) -> None:
    files = [str(path) for path in ROOT.glob(pattern)]
    assert files
    result = run("check-jsonschema", "--builtin-schema", schema, *files)
    assert result.returncode == 0, result.stdout


def test_workflows_have_no_finding_of_zizmor() -> None:
    result = run("zizmor", "--offline", "--pedantic", "--no-progress", ".github")
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("path", workflows(), ids=lambda path: path.name)
def test_workflow_pins_actions_by_commit_and_grants_nothing_at_the_top(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    uses = re.findall(r"uses: (.+)$", text, re.MULTILINE)
    assert [line for line in uses if not re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []
    content = yaml.safe_load(text)
    assert content["permissions"] == {}
    assert all("permissions" in job for job in content["jobs"].values())


@pytest.mark.parametrize("path", workflows(), ids=lambda path: path.name)
def test_workflow_runs_no_shell_with_an_expression_in_it(path: Path) -> None:
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
    scripts = [step["run"] for job in jobs for step in job["steps"] if "run" in step]
    assert scripts
    assert [script for script in scripts if "${{" in script] == []


def test_every_make_target_is_documented() -> None:
    lines = run("make", "--no-print-directory", "help").stdout.splitlines()  # also under `make test`
    described = {line.split()[0] for line in lines}
    assert described == targets()


@pytest.mark.parametrize("page", PAGES)
def test_every_make_command_of_a_page_is_a_target(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = {line.split()[1] for line in shell_lines(page) if line.startswith("make ")}
    assert named | set(re.findall(r"`make (\w+)`", text)) <= targets()


def test_every_project_command_of_the_readme_exists_in_a_generated_project() -> None:
    scripts = (ROOT / "{{cookiecutter.project_slug}}" / "pyproject.toml").read_text(encoding="utf-8")
    named = set(re.findall(r"uv run (\w+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert "train" in named
    assert {name for name in named if f"\n{name} = " not in scripts} == set()


def test_hooks_before_a_commit_are_local_so_that_the_lock_decides_their_versions() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repository["repo"] for repository in config["repos"]] == ["local"]
    assert {hook["language"] for hook in config["repos"][0]["hooks"]} == {"system"}


def test_environment_of_the_caller_neither_leaks_in_nor_is_used() -> None:
    strange = {
        "VIRTUAL_ENV": "/elsewhere",
        "CONDA_PREFIX": "/elsewhere",
        "PYTHONPATH": "/elsewhere",
        "UV_PROJECT_ENVIRONMENT": "/elsewhere",
        "UV_PYTHON": "/elsewhere",
        "UV_NO_SYNC": "1",
    }
    kept = {"UV_CACHE_DIR": "/cache", "UV_INDEX_COMPANY_USERNAME": "name", "UV_DEFAULT_INDEX": "https://mirror.example"}
    seen = run(".ci/environment", "env", **strange, **kept).stdout.splitlines()
    assert [line for line in seen if line.partition("=")[0] in strange] == []
    assert {f"{name}={value}" for name, value in kept.items()} <= set(seen)


def test_index_and_certificates_that_pip_is_set_to_serve_uv_too(tmp_path: Path) -> None:
    configuration = tmp_path / "pip.conf"
    configuration.write_text(
        "[global]\nindex-url = https://mirror.example/simple\ncert = /company.pem\n", encoding="utf-8"
    )
    pip = {"PIP_CONFIG_FILE": str(configuration), "PIP_INDEX_URL": "", "PIP_CERT": "", "PYTHON": sys._base_executable}
    unset = dict.fromkeys(("UV_DEFAULT_INDEX", "UV_INDEX_URL", "SSL_CERT_FILE"), "")
    seen = run(".ci/environment", "env", **unset, **pip).stdout.splitlines()
    assert "UV_DEFAULT_INDEX=https://mirror.example/simple" in seen
    assert "SSL_CERT_FILE=/company.pem" in seen


def fake_python(folder: Path, *, old: bool) -> str:
    """A Python that is too old, or new enough but without its venv module, as Debian ships it."""
    program = folder / "python3"
    checks = "*version_info*) exit 1 ;;" if old else "*ensurepip*) exit 1 ;;"
    program.write_text(f'#!/bin/sh\ncase "$*" in\n{checks}\n-V) echo "Python 3.9.2" ;;\nesac\n', encoding="utf-8")
    program.chmod(0o755)
    return str(program)


def copy_of_environment_script(folder: Path) -> str:
    """The script in a folder where nothing was made yet."""
    (folder / ".ci").mkdir()
    return str(shutil.copy(ROOT / ".ci/environment", folder / ".ci/environment"))


@pytest.mark.parametrize(("old", "sentence"), [(True, "3.11 or newer is needed"), (False, "apt install python3-venv")])
def test_machine_that_lacks_something_gets_one_sentence(tmp_path: Path, old: bool, sentence: str) -> None:
    programs = tmp_path / "bin"  # no uv, wherever this machine has it
    programs.mkdir()
    for name in ("bash", "dirname", "cut"):
        (programs / name).symlink_to(str(shutil.which(name)))
    python = fake_python(tmp_path, old=old)
    result = run(copy_of_environment_script(tmp_path), "true", PYTHON=python, PATH=str(programs))
    assert result.returncode == 2
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / ".uv").exists()


def test_the_modules_that_tests_import_have_names_of_their_own() -> None:
    """Of two with one name, the folder that comes first on the path would win."""
    folders = pyproject()["tool"]["pytest"]["ini_options"]["pythonpath"]
    names = [path.stem for folder in folders for path in (ROOT / folder).glob("*.py") if path.stem != "conftest"]
    assert sorted({name for name in names if names.count(name) > 1}) == []
