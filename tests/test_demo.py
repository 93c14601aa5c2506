"""The demo script stops what it started, and says which command failed."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def demo() -> ModuleType:
    """The script, which is no package."""
    path = Path(__file__).resolve().parent.parent / "demo" / "demo.py"
    specification = importlib.util.spec_from_file_location("demo", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_stopping_the_service_ends_its_workers_too(demo: ModuleType) -> None:
    command = ["sh", "-c", "sleep 600 & wait"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    demo.stop(process)
    assert process.stdout is not None
    assert process.stdout.read() == b""  # the pipe ends when the last process that holds it has ended


def test_stopping_a_service_that_ended_by_itself_is_no_error(demo: ModuleType) -> None:
    process = subprocess.Popen(["true"], start_new_session=True)
    process.wait()
    demo.stop(process)


def test_failing_command_is_named_with_its_output(demo: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stopped:
        demo.step("fail", sys.executable, "-c", "import sys; print('why'); sys.exit(3)", cwd=tmp_path)
    assert "why" in str(stopped.value)
    assert f"failed in {tmp_path}" in str(stopped.value)


def test_earlier_project_is_kept_once_and_its_environment_moves_into_the_new_one(
    demo: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "customer-churn"
    monkeypatch.setattr(demo, "PROJECT", project)
    for run in ("first", "second", "third"):
        demo.move_earlier_aside()
        project.mkdir()
        (project / "run").write_text(run, encoding="utf-8")
        demo.reuse_environment()
        (project / ".venv").mkdir(exist_ok=True)
        (project / ".venv" / run).touch()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["customer-churn", "customer-churn.previous"]
    assert (tmp_path / "customer-churn.previous" / "run").read_text(encoding="utf-8") == "second"
    assert {path.name for path in (project / ".venv").iterdir()} == {"first", "second", "third"}
