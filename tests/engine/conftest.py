"""What the engine's tests share: a place for run directories and one way to review them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hostile import lay
from worlds import POLICY, Review


@pytest.fixture
def show(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print a figure that a proof found, past pytest's capturing: a proof is read, not only passed."""

    def line(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}", end="", flush=True)

    return line


@pytest.fixture
def review(tmp_path: Path) -> Review:
    """Run `model-review compare` and give its exit code, its verdict and its comparison."""
    from model_review.cli import main

    def run(champion: Path | None, challenger: Path, policy: str = POLICY, *extra: str) -> dict[str, Any]:
        rules, out = tmp_path / "policy.toml", tmp_path / "out"
        rules.write_text(policy)
        side = "none" if champion is None else str(champion)
        arguments = ["compare", "--champion", side, "--challenger", str(challenger), "--policy", str(rules)]
        code = main([*arguments, "--out", str(out), *extra])
        verdict = json.loads((out / "verdict.json").read_text())
        comparison = json.loads((out / "comparison.json").read_text())
        return {"code": code, "verdict": verdict, "comparison": comparison, "out": out}

    return run


@pytest.fixture
def sides(tmp_path: Path) -> Path:
    """Two sound runs, `a` and `b`, and a policy, to be made hostile."""
    lay(tmp_path)
    return tmp_path
