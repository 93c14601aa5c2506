"""A comparison.json that somebody else wrote: whatever it claims, `judge` and the reports answer with one sentence."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hostile import said
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worlds import CONTRACT, POLICY, World, write_run

from model_review.cli import main
from model_review.metrics.catalog import metrics_of

RULES = f"""{POLICY}[fairness]
metric = "recall"
margin = 0.2
columns = ["sex"]
[robustness]
margin = 0.05
scenarios = ["noise:0.5"]
[cost]
train_seconds = 2.0
"""
Edit = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A comparison with something in every part of it, and the policy that it was made by."""
    found = tmp_path_factory.mktemp("forged")
    world = World(rows=2000, seed=3)
    for name, skill, seed in (("a", 1.0, 1), ("b", 1.3, 2)):
        clean, noisy = world.frame(world.score(skill, seed)), world.frame(world.score(skill - 0.3, seed))
        frame = pd.concat([clean, noisy.assign(scenario="noise:0.5")])
        raw = pd.DataFrame({"row_id": clean["row_id"], "amount": np.arange(2000.0), "region": world.region})
        write_run(found / name, frame, raw, importances={"amount": 0.5}, features=["amount", "region"])
    (found / "policy.toml").write_text(RULES)
    (found / "contract.yaml").write_text(CONTRACT)
    arguments = ["--champion", str(found / "a"), "--challenger", str(found / "b"), "--out", str(found / "out")]
    rules = ["--policy", str(found / "policy.toml"), "--contract", str(found / "contract.yaml")]
    assert main(["compare", *arguments, *rules]) == 0
    return found


@pytest.fixture(scope="module")
def made(place: Path) -> dict[str, Any]:
    """The comparison as the engine wrote it."""
    data: dict[str, Any] = json.loads((place / "out" / "comparison.json").read_text())
    for part in ("metrics", "slices", "fairness", "robustness", "baselines", "cost", "checks"):
        assert data[part], part
    assert None not in (data["power"], data["flips"], data["calibration"], data["curves"]["roc"])
    return data


def judged(place: Path, data: Any, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Judge and render; a refusal is one line."""
    (place / "comparison.json").write_text(json.dumps(data))
    arguments = ["--comparison", str(place / "comparison.json"), "--policy", str(place / "policy.toml")]
    arguments += ["--contract", str(place / "contract.yaml")]
    code = main(["judge", *arguments, "--out", str(place / "judged")])
    sentence = said(code, capsys)
    if code != 2:
        for name in ("report.md", "report.html"):
            assert not re.search(r"\b(nan|inf)\b", (place / "judged" / name).read_text().lower())
    return code, sentence


def objective(data: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = data["metrics"][0]
    return found


def test_what_the_engine_wrote_is_judged_as_it_was(
    place: Path, made: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert judged(place, made, capsys) == (0, "")
    for name in ("verdict.json", "report.md", "report.html"):
        assert (place / "judged" / name).read_text() == (place / "out" / name).read_text()


FORGED: dict[str, tuple[Edit, str]] = {
    "no metric": (lambda data: data.update(metrics=[]), "field metrics lacks the objective, roc_auc"),
    "nothing at all": (lambda data: data.update(metrics=[], undefined=[]), "is empty and no check says why"),
    "no objective": (lambda data: data["metrics"].pop(0), "field metrics lacks the objective, roc_auc"),
    "a metric twice": (lambda data: data["metrics"].append(data["metrics"][1]), "field metrics names"),
    "an unknown metric": (lambda data: data["metrics"][1].update(name="luck"), "field metrics.1.name is luck"),
    "a metric of another task": (lambda data: data["metrics"][1].update(name="rmse"), "no metric of a binary task"),
    "another task": (lambda data: data.update(task="regression"), "no metric of a regression task"),
    "the wrong direction": (lambda data: objective(data).update(direction="lower"), "is not better when lower"),
    "huge numbers": (lambda data: objective(data).update(high=1e300), "field metrics.0.high is a number beyond"),
    "huge counts": (lambda data: data["rows"].update(compared=10**200), "field rows.compared is a number beyond"),
    "ends exchanged": (lambda data: objective(data).update(low=0.5, high=-0.5), "field metrics.0.low is above high"),
    "another difference": (lambda data: objective(data).update(delta=0.5), "metrics.0.delta is not challenger minus"),
    "half an interval": (lambda data: objective(data).update(high=None), "field metrics.0"),
    "a strict interval inside": (lambda data: objective(data).update(strict_low=0.05), "does not hold the other"),
    "no strict level": (lambda data: objective(data).update(strict_level=None), "both ends and a level"),
    "a negative error": (lambda data: objective(data).update(se=-1.0), "field metrics.0.se is below 0"),
    "a p above 1": (lambda data: objective(data).update(p_value=2.0), "field metrics.0.p_value is 2"),
    "other rows": (lambda data: objective(data).update(n=7), "field metrics.0.n: 7 rows"),
    "a champion that is gone": (lambda data: data.update(champion=None), "field metrics.0: a champion"),
    "identical and different": (lambda data: data.update(identical=True), "field identical is true"),
    "no bound": (lambda data: data["settings"].update(bounds=[]), "must hold one objective"),
    "two objectives": (
        lambda data: data["settings"]["bounds"].append(data["settings"]["bounds"][0]),
        "must hold one objective",
    ),
    "a level above 1": (lambda data: data["settings"]["bounds"][0].update(level=2.0), "bounds.0.level is 2"),
    "alpha of 0": (lambda data: data["settings"].update(alpha=0.0), "field settings.alpha is 0"),
    "another share of alpha": (lambda data: data["settings"].update(alpha_look=0.02), "field settings.alpha_look"),
    "more positives than rows": (lambda data: data["rows"].update(positives=10**6), "field rows.positives"),
    "classes that do not add up": (lambda data: data["rows"].update(classes={"no": 1}), "field rows.classes"),
    "more flips than rows": (lambda data: data["flips"].update(fixed=10**6), "field flips counts more rows"),
    "a churn above 1": (lambda data: data["flips"].update(churn=3.0), "field flips.churn is 3"),
    "the power of another metric": (lambda data: data["power"].update(metric="mcc"), "field power.metric"),
    "a slice of another metric": (lambda data: data["slices"][0].update(metric="mcc"), "rows of another metric"),
    "a slice without its interval": (lambda data: data["slices"][0].update(low=None), "the interval has one end"),
    "a slice gated by nobody": (lambda data: data["slices"][0].update(column="job"), "no bound names job"),
    "a slice larger than the whole": (lambda data: data["slices"][0].update(n=10**6), "more than the"),
    "a worse slice without numbers": (
        lambda data: data["slices"][0].update(delta=None, low=None, high=None, status="worse"),
        "there is no difference",
    ),
    "half a pair of p-values": (lambda data: data["fairness"][0].update(p_adjusted=None), "field fairness.0"),
    "a scenario nobody gates": (lambda data: data["robustness"][0].update(scenario="x"), "no bound names x"),
    "a share above 1": (lambda data: data["calibration"]["challenger"]["bins"][0].update(observed=9.0), "bins.0 is 9"),
    "a curve cut short": (lambda data: data["curves"]["roc"].update(grid=[0.0]), "field curves.roc"),
    "an empty curve": (
        lambda data: data["curves"].update(pr={name: [] for name in data["curves"]["pr"]}),
        "field curves.pr",
    ),
    "counts without edges": (lambda data: data["curves"].update(score_edges=[]), "field curves.score_edges"),
    "edges that fall": (lambda data: data["curves"]["score_edges"].reverse(), "must rise"),
    "a field too many": (lambda data: data.update(trust_me=True), "trust_me"),
    "a field too few": (lambda data: data.pop("rows"), "field rows"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_contradiction_is_named_with_its_file_and_field(
    place: Path, made: dict[str, Any], capsys: pytest.CaptureFixture[str], name: str
) -> None:
    edit, said = FORGED[name]
    data = copy.deepcopy(made)
    edit(data)
    code, error = judged(place, data, capsys)
    assert code == 2
    assert "comparison.json" in error
    assert said in error


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value, containers as well."""
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(found for key, value in inner for found in places(value, (*path, key)))]


NAMES = [metric.name for task in ("binary", "regression") for metric in metrics_of(task)]
VALUES = st.one_of(
    st.sampled_from([None, True, False, 0, -1, 1, 0.0, -0.0, 0.5, 1.5, -1e-300, 1e-300, 5e-324, 1e100, -1e100, 1e308]),
    st.sampled_from([10**18, 10**99, 10**400, 2**63, [], {}, "", "x", [[]], [None], "green", "red", "worse", "gated"]),
    st.sampled_from(["not made", "person", "cannot tell", "explored", "higher", "lower", *NAMES]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(),
    st.text(max_size=20),
)


def mutate(data: dict[str, Any], draw: st.DataObject, paths: list[tuple[Any, ...]]) -> Any:
    """One to three changes: dropped, repeated, emptied, exchanged for another part's value, retyped, extreme."""
    found: Any = copy.deepcopy(data)
    for _ in range(draw.draw(st.integers(1, 3))):
        path = draw.draw(st.sampled_from(paths))
        how = draw.draw(st.sampled_from(["value", "value", "drop", "empty", "repeat", "other", "negate"]))
        if not path:
            continue
        try:
            parent = found
            for key in path[:-1]:
                parent = parent[key]
            old = parent[path[-1]]
            if how == "drop":
                del parent[path[-1]]
            elif how == "empty":
                parent[path[-1]] = type(old)()
            elif how == "repeat" and isinstance(parent, list):
                parent.append(copy.deepcopy(old))
            elif how == "negate" and isinstance(old, int | float):
                parent[path[-1]] = -old
            elif how == "other":
                value: Any = data
                for key in draw.draw(st.sampled_from(paths)):
                    value = value[key]
                parent[path[-1]] = copy.deepcopy(value)
            else:
                parent[path[-1]] = draw.draw(VALUES)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took this place away
    return found


QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(deadline=None, max_examples=100, suppress_health_check=QUIET)
@given(draw=st.data())
def test_a_changed_comparison_is_judged_or_refused_in_a_sentence(
    place: Path, made: dict[str, Any], capsys: pytest.CaptureFixture[str], draw: st.DataObject
) -> None:
    judged(place, mutate(made, draw, places(made)), capsys)


@pytest.mark.prove
@settings(deadline=None, max_examples=5000, suppress_health_check=QUIET, database=None)
@given(draw=st.data())
def test_five_thousand_changed_comparisons_are_judged_or_refused_in_a_sentence(
    place: Path, made: dict[str, Any], capsys: pytest.CaptureFixture[str], draw: st.DataObject
) -> None:
    judged(place, mutate(made, draw, places(made)), capsys)
