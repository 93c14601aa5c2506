"""A new user pastes the first block of the generated README, with uv, git and nothing else."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from bake import bake
from loopback import free_port
from project import SETTINGS, made_from, result, served
from repositories import WHO
from tables import TABLES

pytestmark = pytest.mark.xdist_group("installed")  # one process makes what they share


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose README was followed up to the first commit."""
    assert shutil.which("uv"), "uv is brought by `make test`"
    project = bake(tmp_path_factory.mktemp("first"), "project_name=Customer churn")
    blocks = re.findall(r"```sh\n(.*?)```", (project / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    shell(project, blocks[0])
    return project


def shell(project: Path, lines: str) -> subprocess.CompletedProcess[str]:
    """Run lines as a user's shell would, stopping at the first that fails."""
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    # The tests' own environment is not the user's: its programs are hidden, uv's folder is kept.
    environment["PATH"] = os.pathsep.join(
        [
            str(Path(shutil.which("uv") or "uv").parent),
            *(p for p in os.environ["PATH"].split(os.pathsep) if ".venv" not in p),
        ]
    )
    done = subprocess.run(
        ["bash", "-euc", lines],
        cwd=project,
        env=environment | SETTINGS | WHO,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done


def test_it_ends_in_a_clean_first_commit(installed: Path) -> None:
    assert shell(installed, "git status --porcelain").stdout == ""
    assert shell(installed, "git ls-files run mlflow.db .venv").stdout == ""
    assert "uv.lock" in shell(installed, "git ls-files").stdout
    assert result(installed)["metrics"]["roc_auc"] > 0.75
    assert result(installed)["environment"]["lock_digest"].startswith("sha256:")


def test_the_checks_before_a_commit_are_clean_right_after_generation(installed: Path) -> None:
    done = shell(installed, "uv run pre-commit run --all-files")
    assert set(checks(done.stdout).values()) == {"Passed"}, done.stdout
    assert len(checks(done.stdout)) == 10


def checks(output: str) -> dict[str, str]:
    """What pre-commit says of each check, by its name."""
    return dict(re.findall(r"^(.+?)\.{3,}(?:\(.*\))?(\w+)$", output, re.MULTILINE))


def checked(project: Path, installed: Path) -> dict[str, str]:
    """Commit all files, unchecked, and check them as a pull request is, but for the types, which no table decides."""
    environment = f"export SKIP=mypy UV_PROJECT_ENVIRONMENT='{installed / '.venv'}'; "
    commit = "git add --all && git commit --quiet --no-verify --message all; "
    return checks(shell(project, environment + commit + "uv run --no-sync pre-commit run --all-files || true").stdout)


@pytest.mark.parametrize("start", ["bank marketing", "diabetes"])
def test_they_are_clean_for_other_tables_and_tasks_too(installed: Path, tmp_path: Path, start: str) -> None:
    table = next(table for table in TABLES if table.name.startswith(start))
    project = made_from(table, tmp_path, "project_name=Customer churn")
    shutil.copy(installed / "uv.lock", project)
    found = checked(project, installed)
    assert found.pop("mypy") == "Skipped"
    assert set(found.values()) == {"Passed"}, found
    assert len(found) == 9


def test_each_check_finds_what_it_is_there_for_also_in_files_that_are_committed_already(
    installed: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(installed, tmp_path / "copy", ignore=shutil.ignore_patterns(".venv", "run")))
    replace(copy / "pyproject.toml", '"pyyaml>=6,<7"', '"pyyaml>=6,<8"')
    replace(copy / "contract.yaml", "kind: DataContract", "kind: Data")
    (copy / "notes.md").write_text("The key of the bucket: AKIA" + "IOSFODNN7EXAMPL1\n", encoding="utf-8")
    (copy / "large.bin").write_bytes(bytes(1_100_000))
    job = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n"
    workflows = copy / ".github/workflows"
    (workflows / "wrong.yml").write_text(f"{job}    timeout-minutes: 5\n    steps: none\n", encoding="utf-8")
    (workflows / "endless.yml").write_text(f"{job}    steps: [{{run: 'true'}}]\n", encoding="utf-8")
    found = checked(copy, installed)
    assert {name for name, said in found.items() if said == "Failed"} == {
        "uv.lock is there and fits pyproject.toml",
        "contract.yaml fits the Open Data Contract Standard",
        "no secrets",
        "no large files outside data/",
        "workflows fit GitHub's schema",
        "every job has a timeout",
    }


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_the_workflow_stops_at_a_stale_lock_with_what_to_do(installed: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(installed, tmp_path / "copy", ignore=shutil.ignore_patterns(".venv", "run")))
    workflow = yaml.safe_load((copy / ".github/workflows/pull-request.yml").read_text(encoding="utf-8"))
    (check,) = [step["run"] for step in workflow["jobs"]["quality"]["steps"] if "uv lock" in step.get("run", "")]
    (copy / "check.sh").write_text(check, encoding="utf-8")
    assert shell(copy, "bash -e check.sh && echo passed").stdout == "passed\n"
    replace(copy / "pyproject.toml", '"pyyaml>=6,<7"', '"pyyaml>=6,<8"')
    before = (copy / "uv.lock").read_bytes()
    said = shell(copy, "bash -e check.sh || echo code $?").stdout
    assert said == "::error file=uv.lock::uv.lock is missing or stale; run uv sync and commit uv.lock\ncode 1\n"
    assert (copy / "uv.lock").read_bytes() == before


@pytest.mark.prove
def test_the_lowest_versions_that_the_bounds_allow_train_and_pass_the_tests(installed: Path, tmp_path: Path) -> None:
    left_out = shutil.ignore_patterns(".venv", "run", "uv.lock", "mlflow.db*", "mlartifacts")
    copy = Path(shutil.copytree(installed, tmp_path / "copy", ignore=left_out))
    shell(copy, "uv sync --resolution lowest-direct\nuv run --no-sync train\nuv run --no-sync pytest")
    assert result(copy)["environment"]["libraries"]["pandas"] == "3.1.0"


@pytest.mark.parametrize(("change", "words"), [("rm uv.lock", "missing or stale"), ("echo >> pyproject.toml", None)])
def test_the_check_says_when_the_lock_is_missing(
    installed: Path, tmp_path: Path, change: str, words: str | None
) -> None:
    copy = Path(shutil.copytree(installed, tmp_path / "copy", ignore=shutil.ignore_patterns(".venv", "run")))
    (hook,) = re.findall(r"entry: (sh -c 'uv lock.*)", (copy / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    done = shell(copy, f"{change}; {hook} || true")
    assert (words is None) == (done.stdout == ""), done.stdout
    assert words is None or words in done.stdout


def test_the_service_of_the_readme_starts_and_ends_as_it_is_pasted(installed: Path) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", (installed / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    (block,) = [text for text in blocks if "uv run serve\n" in text]
    port = free_port()
    wait = (
        f"until curl --silent --fail http://127.0.0.1:{port}/readyz; do sleep 0.2; kill -0 $!; done; kill $!; wait $!"
    )
    done = shell(installed, block.replace("uv run serve\n", f"uv run serve --port {port} &\n{wait}\n"))
    assert f"http://127.0.0.1:{port}" in done.stdout


def test_the_bento_is_built_and_serves_without_the_project(installed: Path, tmp_path: Path) -> None:
    readme = (installed / "README.md").read_text(encoding="utf-8")
    (block,) = [text for text in re.findall(r"```sh\n(.*?)```", readme, re.DOTALL) if "bentoml build" in text]
    home = f"export BENTOML_HOME='{tmp_path / 'bento home'}'\n"
    shell(installed, home + block)
    bentos = list((tmp_path / "bento home/bentos").glob("*/*/bento.yaml"))
    assert len(bentos) == 1
    inside = {path.relative_to(bentos[0].parent).as_posix() for path in bentos[0].parent.rglob("*") if path.is_file()}
    assert {"src/run/model/model.onnx", "src/run/contract.yaml", "src/customer_churn/service.py"} <= inside
    assert not [name for name in inside if name.startswith("src/data/") or "mlflow" in name]
    # A version that is not locked, or a library of training in the image, is the trap of this file.
    text = (bentos[0].parent / "env/python/requirements.txt").read_text(encoding="utf-8")
    pinned = re.findall(r"^([\w.-]+)==.*\\\n +--hash=sha256:", text, re.MULTILINE)
    unhashed = re.findall(r"^([\w.-]+)[^\\\n]*$", text, re.MULTILINE)
    assert unhashed in ([], ["bentoml"])  # BentoML adds itself once more
    assert {"onnxruntime", "bentoml", "numpy"} <= {*pinned}
    assert not {"pandas", "scikit-learn", "skops", "mlflow", "matplotlib", "pytest"} & {*pinned}
    # Served from a folder and an environment that do not hold the project.
    request = installed / "tests/example-request.json"
    answer = served(bentos[0].parent, request.read_bytes(), tmp_path, src=None)
    assert answer["predictions"][0] in ("yes", "no")
