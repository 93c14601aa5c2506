"""Columns that should not be there: forbidden ones, and a new one that is too good to be true."""

import numpy as np
from numpy.typing import NDArray

from model_review.comparison_details import Check
from model_review.contract import Contract
from model_review.evaluation_table import binned, read_table
from model_review.metrics.answers import Answers, Floats, UndefinedMetric
from model_review.metrics.catalog import Metric, find
from model_review.metrics.values import value
from model_review.predictions import TEST
from model_review.runs import Run
from model_review.text import plain

BINS = 20
RULER: dict[str, str] = {"binary": "roc_auc", "multiclass": "roc_auc_macro", "regression": "r2"}


def forbidden_checks(contract: Contract | None, challenger: Run) -> list[Check]:
    """Whether the model uses a column that the contract that judges forbids, or the target itself."""
    used = challenger.record.features
    if contract is None:
        detail = "There is no contract to judge by, so nothing was forbidden."
        return [Check(name="forbidden", status="green", detail=detail)]
    banned = [name for name in used if name in contract.having("forbidden")]
    # Its own target: main's, where this model predicts something else, makes it an answer to another question.
    target = [name for name in used if name == challenger.record.target]
    checks = []
    if banned:
        detail = f"The challenger uses {_names(banned)}, which the contract forbids."
        checks.append(Check(name="forbidden", status="red", detail=detail))
    else:
        checks.append(Check(name="forbidden", status="green", detail="No forbidden column is used."))
    if target:
        detail = f"The challenger uses {_names(target)}, which is what it predicts."
        checks.append(Check(name="schema", status="red", detail=detail))
    return checks


def leak_check(champion: Run, challenger: Run, answers: Answers) -> Check:
    """Whether a column that only the challenger uses predicts the target better alone than the whole champion does."""
    new = [name for name in challenger.record.features if name not in champion.record.features]
    if not new:
        return Check(name="leak", status="green", detail="The challenger uses no column that the champion does not.")
    table = read_table(challenger.directory, new, challenger.scenarios[TEST].row_id)
    metric = find(answers.task, RULER[answers.task])
    assert metric is not None
    if table is None or any(name not in table for name in new):
        detail = (
            f"evaluation.parquet does not hold {_names(new)}, so a leak through new columns could not be looked for."
        )
        return Check(name="leak", status="not made", detail=detail)
    try:
        bar = value(metric, answers)
    except UndefinedMetric as error:
        return Check(name="leak", status="not made", detail=f"A leak could not be looked for: {error}.")
    found = {}
    for name in new:
        column = binned(table[name], BINS)
        score = None if column is None else alone(metric, answers, column.codes)
        if score is not None and score >= bar:
            found[name] = score
    if not found:
        return Check(name="leak", status="green", detail=f"No new column alone reaches the champion ({_names(new)}).")
    best = max(found, key=lambda name: found[name])
    detail = (
        f"The new column {plain(best)} alone scores {metric.name} {found[best]:.4g}, the whole champion {bar:.4g}: "
        "a possible leak."
    )
    return Check(name="leak", status="person", detail=detail)


def alone(metric: Metric, answers: Answers, codes: NDArray[np.int64]) -> float | None:
    """What one binned column scores alone: each half of the rows is predicted from the other half's bins."""
    half = np.arange(len(codes)) % 2
    size = int(codes.max()) + 1
    classes = max(answers.classes, 1)
    truth = answers.truth.astype(float)
    columns = [truth] if answers.task == "regression" else [(answers.truth == code) * 1.0 for code in range(classes)]
    means = np.empty((len(codes), len(columns)))
    for place, column in enumerate(columns):
        means[:, place] = _cross_means(column, codes, half, size)
    if answers.task == "regression":
        side = Answers("regression", truth, means[:, 0], None, 0)
    else:
        means /= np.maximum(means.sum(axis=1, keepdims=True), 1e-12)
        score: Floats = means[:, 1] if answers.task == "binary" else means
        side = Answers(answers.task, answers.truth, means.argmax(axis=1), score, answers.classes)
    try:
        return value(metric, side)
    except UndefinedMetric:
        return None


def _cross_means(column: Floats, codes: NDArray[np.int64], half: NDArray[np.int64], size: int) -> Floats:
    result = np.empty(len(codes))
    for side in (0, 1):
        learn = half != side
        prior = float(column[learn].mean()) if learn.any() else 0.0
        counts = np.bincount(codes[learn], minlength=size)
        sums = np.bincount(codes[learn], column[learn], size)
        result[~learn] = ((sums + prior) / (counts + 1))[codes[~learn]]
    return result


def _names(names: list[str]) -> str:
    shown = ", ".join(plain(name, 60) for name in names[:5])
    return shown + (f" and {len(names) - 5} more" if len(names) > 5 else "")
