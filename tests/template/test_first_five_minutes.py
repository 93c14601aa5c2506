"""A new user pastes the first block of the generated README, with uv, git and nothing else."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from bake import bake
from project import SETTINGS, result, served
from repositories import WHO

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
    passed = re.findall(r"\.+(\w+)\n", done.stdout)
    assert set(passed) == {"Passed"}, done.stdout
    assert len(passed) == 10


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
