"""The demo script stops what it started, and says which command failed."""

import subprocess
import sys
from pathlib import Path

import comments
import console
import generate
import pytest
import serve


def test_stopping_the_service_ends_its_workers_too() -> None:
    command = ["sh", "-c", "sleep 600 & wait"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    serve.stop(process)
    assert process.stdout is not None
    assert process.stdout.read() == b""  # the pipe ends when the last process that holds it has ended


def test_stopping_a_service_that_ended_by_itself_is_no_error() -> None:
    process = subprocess.Popen(["true"], start_new_session=True)
    process.wait()
    serve.stop(process)


def test_failing_command_is_named_with_its_output(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stopped:
        console.step("fail", sys.executable, "-c", "import sys; print('why'); sys.exit(3)", cwd=tmp_path)
    assert "why" in str(stopped.value)
    assert f"failed in {tmp_path}" in str(stopped.value)


def test_earlier_project_is_kept_once_and_its_environment_moves_into_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "customer-churn"
    monkeypatch.setattr(console, "PROJECT", project)
    for run in ("first", "second", "third"):
        generate.move_earlier_aside()
        project.mkdir()
        (project / "run").write_text(run, encoding="utf-8")
        generate.reuse_environment()
        (project / ".venv").mkdir(exist_ok=True)
        (project / ".venv" / run).touch()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["customer-churn", "customer-churn.previous"]
    assert (tmp_path / "customer-churn.previous" / "run").read_text(encoding="utf-8") == "second"
    assert {path.name for path in (project / ".venv").iterdir()} == {"first", "second", "third"}


def test_comment_is_shown_as_its_reader_sees_it_first() -> None:
    comment = """## \u2705 Promote

`roc_auc` gets better by 0.1 \\(much\\), see [the guide](https://example.org/guide).

**Next:** Merge, if you agree.

| objective | change |
|---|---|
| `roc_auc` | +0.1 |

```text
[==o==]
```

<details><summary>Every model</summary>

| folded | away |
|---|---|

</details>

### Rules

| rule | status |
|---|---|

<sub>Commit 1234567</sub>
"""
    assert comments.rendered(comment).splitlines() == [
        "\u2705 PROMOTE",
        "",
        "roc_auc gets better by 0.1 (much), see the guide.",
        "",
        "Next: Merge, if you agree.",
        "",
        "objective  change",
        "roc_auc    +0.1",
        "",
        "[==o==]",
    ]
