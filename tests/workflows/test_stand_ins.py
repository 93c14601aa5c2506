"""What act runs in place of other people's actions is complete: each pinned commit, each input that it is given."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from repositories import ACTIONS, ROOT
from stand_ins import DONE_BY_ACT, STAND_INS

WORKFLOWS = ROOT / "{{cookiecutter.project_slug}}/.github/workflows"
OURS = "model-review/model-review/"
FILES = [*sorted(WORKFLOWS.glob("*.yml")), *sorted(ACTIONS.glob("*/action.yml"))]


def steps_of(file: Path) -> list[dict[str, Any]]:
    """Every step of a workflow or of an action."""
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    if "runs" in content:
        return list(content["runs"]["steps"])
    return [step for job in content["jobs"].values() for step in job["steps"]]


def others(file: Path) -> list[tuple[dict[str, Any], set[str], set[str] | None]]:
    """Every step that uses an action of others, with the inputs and outputs that it has; none where act does it."""
    found: list[tuple[dict[str, Any], set[str], set[str] | None]] = []
    for step in steps_of(file):
        if "uses" not in step or step["uses"].startswith(OURS):
            continue
        path, commit = step["uses"].split("@")
        if f"{path}@{commit}" in DONE_BY_ACT:
            found.append((step, set(DONE_BY_ACT[f"{path}@{commit}"].split()), None))
            continue
        owner, name, *folder = path.split("/")
        known = STAND_INS[f"{owner}/{name}@{commit}"]["/".join(folder) or "."]
        found.append((step, set(known.inputs.split()), set(known.outputs.split())))
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_each_action_of_others_has_a_stand_in_with_the_inputs_and_outputs_that_are_used(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    for step, inputs, outputs in others(file):
        assert set(step.get("with", {})) <= inputs, step["uses"]
        read = set(re.findall(rf"steps\.{step['id']}\.outputs\.([\w-]+)", text)) if "id" in step else set()
        assert read <= (outputs or set()), step["uses"]


def test_each_stand_in_is_used_somewhere() -> None:
    used = {step["uses"] for file in FILES for step, _, _ in others(file)}
    known = {
        name if part == "." else name.replace("@", f"/{part}@") for name, parts in STAND_INS.items() for part in parts
    }
    assert used == known | set(DONE_BY_ACT)
