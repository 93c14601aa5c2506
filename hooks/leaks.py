"""Columns that know the answer: each one's power to predict the target alone, on the sample."""

from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from columns import MISSING_SET, as_number
from kinds import Kind
from signals import bin_numbers, explained_share, halves, ranking_score
from task import Task

CERTAIN = 0.99
STANDS_OUT = 0.10
FEWEST_ROWS = 20  # of the rarer class in each half
BINS = (20, 200)  # fine ones find a leak in the tail, coarse ones have less noise: the better score counts


@dataclass(frozen=True)
class Leaks:
    """What was found, in sentences."""

    forbidden: Mapping[str, str]
    suspected: Mapping[str, str]
    scores: Mapping[str, float]


def find_leaks(
    columns: Mapping[str, tuple[Kind, tuple[str, ...]]], target: tuple[str, ...], task: Task, decimal: str
) -> Leaks:
    """Test each column, and say which must not be used and which a person has to look at."""
    rows = [row for row, value in enumerate(target) if labelled(value, task, decimal)]
    first = halves(len(rows))
    ranking = task.name != "regression"
    if ranking:
        labels = [target[row] for row in rows]
        counts = [
            Counter(label for label, side in zip(labels, first, strict=True) if side is half) for half in (True, False)
        ]
        enough = min(count[label] for count in counts for label in set(labels)) >= FEWEST_ROWS
    else:
        values = [as_number(target[row], decimal) or 0.0 for row in rows]
        enough = len(rows) >= 2 * FEWEST_ROWS
    scores = {}
    for name, (kind, cells) in columns.items():
        options = levels_of(kind, cells, rows, decimal)
        scores[name] = max(
            ranking_score(levels, labels, first) if ranking else explained_share(levels, values, first)
            for levels in options
        )
    measure = "AUC" if ranking else "R2"
    certain = {
        name: f"alone it predicts the target with {measure} {score:.3f}"
        for name, score in scores.items()
        if score > CERTAIN
    }
    if not enough:
        return Leaks({}, {name: f"{sentence}, on few rows" for name, sentence in certain.items()}, scores)
    ranked = sorted(((score, name) for name, score in scores.items() if name not in certain), reverse=True)
    if ranking and len(ranked) >= 2 and ranked[0][0] - ranked[1][0] >= STANDS_OUT:
        (best, name), (second, _) = ranked[:2]
        sentence = f"alone it ranks the target with AUC {best:.2f}, the next best column with {second:.2f}"
        return Leaks(certain, {name: sentence}, scores)
    return Leaks(certain, {}, scores)


def labelled(value: str, task: Task, decimal: str) -> bool:
    """Say whether a row has a target."""
    return as_number(value, decimal) is not None if task.name == "regression" else value in task.labels


def levels_of(kind: Kind, cells: tuple[str, ...], rows: list[int], decimal: str) -> list[list[Hashable]]:
    """Turn a column into levels, numbers and dates once coarsely and once finely; no value is a level too."""
    values = [cells[row] for row in rows]
    distinct = set(values)
    if kind.is_numeric:
        numbers = {token: as_number(token, decimal) for token in distinct}
    elif kind.dates:
        dates = {token: kind.dates.read(token) for token in distinct}
        numbers = {token: None if when is None else when.timestamp() for token, when in dates.items()}
    else:
        return [["" if value in MISSING_SET else value for value in values]]
    levels = [bin_numbers([numbers[token] for token in values], most) for most in BINS]
    return levels if levels[0] != levels[1] else levels[:1]
