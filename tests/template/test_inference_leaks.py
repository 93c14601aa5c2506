"""Columns that know the answer are forbidden, those that may are left to a person, and honest ones are left alone."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from inference import Inferred, infer_columns
from signals import halves, ranking_score
from sklearn.metrics import roc_auc_score

Build = Callable[[str, int, Random], str]


def judge(folder: Path, rows: int = 2000, labels: list[str] | None = None, **columns: Build) -> Inferred:
    """Infer from columns that are built from the target."""
    dice = Random(5)
    target = [(labels or ["no", "no", "yes"])[number * 7 % len(labels or "nny")] for number in range(rows)]
    cells = {name: [build(target[n], n, dice) for n in range(rows)] for name, build in columns.items()}
    honest = [f"{dice.gauss(float(label in ('yes', 'c')), 1):.3f}" for label in target]
    return infer_columns(folder, cells | {"honest": honest, "target": target})


@pytest.mark.parametrize(
    "build",
    [
        lambda label, n, d: "closed" if label == "yes" else d.choice(["open", "new"]),
        lambda label, n, d: f"{d.uniform(100, 200) if label == 'yes' else d.uniform(0, 100):.2f}",
        lambda label, n, d: f"{d.uniform(1, 9):.2f}" if label == "yes" else "0",
        lambda label, n, d: f"2024-0{d.randrange(1, 9)}-01" if label == "yes" else "",
        lambda label, n, d: "NA" if label == "yes" else f"{d.random():.3f}",
    ],
    ids=["levels", "a threshold", "an amount where zero means no", "a date that is filled in later", "missingness"],
)
def test_column_that_knows_the_answer_is_forbidden(tmp_path: Path, build: Build) -> None:
    inferred = judge(tmp_path, leak=build)
    assert inferred.columns["leak"]["roles"] == ["forbidden"]
    assert "alone it predicts the target with AUC" in inferred.comment("leak")
    assert inferred.columns["honest"]["roles"] == ["feature"]
    assert "suspectedLeak" not in inferred.columns["honest"]


def test_leak_of_a_rare_class_is_found(tmp_path: Path) -> None:
    labels = ["no"] * 99 + ["yes"]
    inferred = judge(
        tmp_path,
        10_000,
        labels,
        leak=lambda label, n, d: f"{d.uniform(5, 9) if label == 'yes' else d.uniform(0, 5):.3f}",
    )
    assert inferred.with_role("forbidden") == ["leak"]


def test_too_few_rows_of_a_class_give_a_warning_only(tmp_path: Path) -> None:
    labels = ["no"] * 59 + ["yes"]
    inferred = judge(tmp_path, 1800, labels, leak=lambda label, n, d: f"{label}!")
    assert inferred.columns["leak"]["roles"] == ["feature"]
    assert "on few rows" in inferred.columns["leak"]["suspectedLeak"]
    assert not inferred.with_role("forbidden")


def test_a_column_far_ahead_is_left_to_a_person_also_where_a_class_is_rare(tmp_path: Path) -> None:
    labels = ["no"] * 59 + ["yes"]
    inferred = judge(tmp_path, 1800, labels, ahead=lambda label, n, d: f"{d.gauss(2.6 * (label == 'yes'), 1):.2f}")
    assert inferred.columns["ahead"]["roles"] == ["feature"]
    assert inferred.columns["ahead"]["suspectedLeak"].startswith("alone it ranks the target with AUC 0.")
    assert inferred.columns["ahead"]["suspectedLeak"].endswith(", on few rows")


def test_leak_of_three_classes_is_found(tmp_path: Path) -> None:
    inferred = judge(tmp_path, labels=["a", "b", "c"], leak=lambda label, n, d: f"{label}{d.randrange(3)}")
    assert inferred.with_role("forbidden") == ["leak"]


def test_leak_of_a_number_is_found_and_a_good_column_is_none(tmp_path: Path) -> None:
    dice = Random(6)
    target = [dice.gauss(100, 20) for _ in range(3000)]
    inferred = infer_columns(
        tmp_path,
        {
            "in_cents": [f"{value * 100:.0f}" for value in target],
            "good": [f"{value + dice.gauss(0, 8):.2f}" for value in target],
            "y": [f"{value:.2f}" for value in target],
        },
    )
    assert inferred.with_role("forbidden") == ["in_cents"]
    assert "R2" in inferred.comment("in_cents")


def test_column_far_ahead_of_the_others_is_left_to_a_person(tmp_path: Path) -> None:
    inferred = judge(tmp_path, ahead=lambda label, n, d: f"{d.gauss(2.2 * (label == 'yes'), 1):.3f}")
    entry = inferred.columns["ahead"]
    assert entry["roles"] == ["feature"]
    assert entry["suspectedLeak"].startswith("alone it ranks the target with AUC 0.9")
    assert inferred.comment("ahead") == "a person decides: [feature] or [forbidden]"


def test_a_person_is_asked_to_decide_also_beside_another_comment(tmp_path: Path) -> None:
    inferred = judge(
        tmp_path, ahead=lambda label, n, d: "?!" if n % 90 == 0 else f"{d.gauss(2.2 * (label == 'yes'), 1):.3f}"
    )
    words = "numbers, and a few words that are read as missing; a person decides: [feature] or [forbidden]"
    assert inferred.comment("ahead") == words


def test_no_suspicion_where_the_best_columns_are_close(tmp_path: Path) -> None:
    strong: Build = lambda label, n, d: f"{d.gauss(2.2 * (label == 'yes'), 1):.3f}"  # noqa: E731 - a cell of the table
    inferred = judge(tmp_path, one=strong, two=strong)
    assert not [name for name, entry in inferred.columns.items() if "suspectedLeak" in entry]


def test_an_honest_category_with_many_levels_is_no_leak(tmp_path: Path) -> None:
    inferred = judge(tmp_path, town=lambda label, n, d: f"town{d.randrange(900)}")
    assert not inferred.with_role("forbidden")
    assert "suspectedLeak" not in inferred.columns["town"]


def test_ranking_score_is_the_auc_of_scikit_learn() -> None:
    dice = Random(7)
    labels = [dice.choice(["a", "b"]) for _ in range(500)]
    levels = [f"{dice.randrange(6) + 2 * (label == 'a')}" for label in labels]
    first = halves(500)
    expected = []
    for learning in (True, False):
        learnt = [(lv, lb == "a") for lv, lb, side in zip(levels, labels, first, strict=True) if side is learning]
        other = [(lv, lb == "a") for lv, lb, side in zip(levels, labels, first, strict=True) if side is not learning]
        base = sum(hit for _, hit in learnt) / len(learnt)
        hits = {level: [hit for known, hit in learnt if known == level] for level in set(levels)}
        scores = [(sum(hits[level]) + base) / (len(hits[level]) + 1) for level, _ in other]
        expected.append(roc_auc_score([hit for _, hit in other], scores))
    assert ranking_score(levels, labels, first) == pytest.approx(sum(expected) / 2)
