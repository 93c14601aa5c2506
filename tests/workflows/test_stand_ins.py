"""What act runs in place of other people's actions is complete: each pinned commit, each input that it is given."""

from pathlib import Path
from typing import Any

import yaml
from repositories import ACTIONS, ROOT
from stand_ins import STAND_INS

WORKFLOWS = ROOT / "{{cookiecutter.project_slug}}/.github/workflows"
OURS = "model-review/model-review/"
RUN_BY_ACT = "actions/checkout@"  # act copies the working tree instead


def steps_of(file: Path) -> list[dict[str, Any]]:
    """Every step of a workflow or of an action."""
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    if "runs" in content:
        return list(content["runs"]["steps"])
    return [step for job in content["jobs"].values() for step in job["steps"]]


def test_each_action_of_the_pull_request_loop_has_a_stand_in_with_the_inputs_that_it_is_given() -> None:
    steps = [step for name in ("pull-request", "report") for step in steps_of(WORKFLOWS / f"{name}.yml")]
    ours = {step["uses"].partition("/actions/")[2].partition("@")[0] for step in steps if OURS in step.get("uses", "")}
    assert ours == {"setup", "train", "champion", "compare", "comment", "ledger"}
    steps += [step for name in ours for step in steps_of(ACTIONS / name / "action.yml")]
    others = [step for step in steps if "uses" in step and not step["uses"].startswith((OURS, RUN_BY_ACT))]
    assert others
    for step in others:
        path, commit = step["uses"].split("@")
        owner, name, *folder = path.split("/")
        found = STAND_INS[f"{owner}/{name}@{commit}"]["/".join(folder) or "."]
        assert set(step.get("with", {})) <= set(found.inputs.split()), step["uses"]
