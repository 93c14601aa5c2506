"""Golden requests: rows whose offline predictions are known, and how far the service's answers are from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from model_review.errors import ReviewError
from model_review.evaluation_table import read_table
from model_review.predictions import TEST
from model_review.probe.client import Connection, NoAnswer, post
from model_review.probe.columns import Served
from model_review.probe.record import GoldenResult
from model_review.runs import Run
from model_review.text import plain

TOLERANCE = 1e-6
ROWS, ALONE, BATCH = 1000, 30, 100
Label = str | float


@dataclass(frozen=True)
class Expected:
    """Predictions in the form in which the service answers: labels or numbers, and probabilities by class."""

    labels: Sequence[Label]
    scores: dict[str, Sequence[float]]

    def part(self, start: int, stop: int) -> "Expected":
        """Some of the rows."""
        return Expected(self.labels[start:stop], {name: column[start:stop] for name, column in self.scores.items()})


@dataclass(frozen=True)
class Golden:
    """Rows as a client sends them, and what is expected."""

    rows: list[dict[str, Any]]
    expected: Expected


@dataclass(frozen=True)
class Gap:
    """How an answer differs: whole-answer fault, labels, and the largest distance of a number."""

    fault: str | None
    labels: int = 0
    distance: float = 0.0


def read_golden(run: Run, columns: list[Served]) -> Golden:
    """Rows of the run's evaluation.parquet with its predictions of scenario `test`, spread over the whole set."""
    if run.fault is not None or TEST not in run.scenarios:
        raise ReviewError(f"{plain(run.directory)}: {run.fault or 'it has no predictions'}")
    scenario = run.scenarios[TEST]
    names = [column.name for column in columns]
    table = read_table(run.directory, names, scenario.row_id)
    if table is None or any(name not in table for name in names):
        raise ReviewError(
            f"{plain(run.directory)}/evaluation.parquet does not hold every row and model column of the predictions; "
            "name the run directory where it was trained."
        )
    texts = {name: column.cast(pa.large_string()).fill_null("") for name, column in table.items()}
    places = _places(columns, texts, len(scenario.row_id))
    rows = [{one.name: one.value(texts[one.name][int(place)].as_py()) for one in columns} for place in places]
    answers = scenario.answers.take(places)
    if answers.task == "regression":
        return Golden(rows, Expected([float(one) for one in answers.predicted], {}))
    labels = list(run.record.classes)
    if answers.task == "binary" and labels[0] == run.record.positive_class:
        labels.reverse()
    scores: dict[str, Sequence[float]] = {}
    if answers.score is not None:
        matrix = answers.score[:, None] if answers.task == "binary" else answers.score
        shown = labels[1:] if answers.task == "binary" else labels
        scores = {label: matrix[:, place].tolist() for place, label in enumerate(shown)}
    return Golden(rows, Expected([labels[int(code)] for code in answers.predicted], scores))


def _places(columns: list[Served], texts: dict[str, pa.Array], count: int) -> NDArray[np.int64]:
    """Rows spread evenly, and for each column one with a missing value and one with a value, where there are such."""
    places = set(np.linspace(0, count - 1, min(count, ROWS)).round().astype(int).tolist())
    for column in columns:
        empty = [text.strip() in column.missing for text in texts[column.name].to_pylist()]
        places |= {empty.index(state) for state in (True, False) if state in empty}
    return np.array(sorted(places), dtype=np.int64)


def gap(answered: Any, expected: Expected) -> Gap:
    """How far an answer, parsed from JSON, is from what is expected."""
    labels = answered.get("predictions") if isinstance(answered, dict) else None
    scores = answered.get("probabilities") if isinstance(answered, dict) else None
    if not isinstance(labels, list) or len(labels) != len(expected.labels):
        return Gap("has no list `predictions` with one entry for each row")
    if expected.scores and not isinstance(scores, dict):
        return Gap("has no `probabilities` by class")
    wrong, distance = 0, 0.0
    for given, wanted in zip(labels, expected.labels, strict=True):
        if isinstance(wanted, str):
            wrong += given != wanted
        elif not _is_number(given):
            return Gap("holds a prediction that is no number")
        else:
            distance = max(distance, abs(given - wanted) / max(1.0, abs(wanted)))
    for name, column in expected.scores.items():
        given = scores.get(name) if isinstance(scores, dict) else None
        if not isinstance(given, list) or len(given) != len(column) or not all(map(_is_number, given)):
            return Gap(f"has no probability of class {plain(name)} for each row")
        distance = max([distance, *(abs(one - other) for one, other in zip(given, column, strict=True))])
    return Gap(None, wrong, distance)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))


def ask_golden(connection: Connection, golden: Golden) -> tuple[GoldenResult, list[str]]:
    """Send some rows one by one and all rows in batches; what was found, and what is wrong in sentences."""
    count = len(golden.rows)
    alone = np.unique(np.linspace(0, count - 1, min(count, ALONE)).round().astype(int)).tolist()
    spans = [(place, place + 1) for place in alone] + [(at, min(at + BATCH, count)) for at in range(0, count, BATCH)]
    labels, distance, faults = 0, 0.0, []
    for start, stop in spans:
        size = "1 golden row" if stop - start == 1 else f"{stop - start} golden rows"
        try:
            answer = connection.ask("/predict", post(golden.rows[start:stop]))
        except NoAnswer as error:
            faults.append(f"A request of {size} got no answer: {error}.")
            continue
        if answer.status != 200:
            faults.append(f"A request of {size} was answered with {answer.status}, not 200.")
            continue
        found = gap(answer.json(), golden.expected.part(start, stop))
        if found.fault:
            faults.append(f"The answer to {size} {found.fault}.")
        labels, distance = labels + found.labels, max(distance, found.distance)
    if labels:
        faults.append(f"{labels} labels of golden rows are not the offline predictions.")
    if distance > TOLERANCE:
        faults.append(
            f"Golden rows differ from the offline predictions by up to {distance:.3g}; {TOLERANCE:g} is allowed."
        )
    result = GoldenResult(
        rows=count, requests=len(spans), different_labels=labels, largest_difference=distance, tolerance=TOLERANCE
    )
    return result, list(dict.fromkeys(faults))
