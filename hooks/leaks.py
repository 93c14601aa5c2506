"""Columns that know the answer: each one's power to predict the target alone, on the sample."""

from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime

from columns import MISSING_SET, as_number
from kinds import Kind
from signals import ROWS_PER_BIN, bin_numbers, copied_share, explained_share, halves, ranking_score
from task import Task

CERTAIN = 0.99
STANDS_OUT = 0.10
FEWEST_ROWS = 20  # of the rarer class in each half
BINS = (20, 200)  # fine ones find a leak in the tail, coarse ones have less noise: the better score counts
LIKELY_COPY = 0.5  # below this share explained by bins, no copy hides behind their coarseness
EPOCH = datetime(1970, 1, 1)


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
    found = [target[row] for row in rows]
    first = halves(len(rows))
    ranking = task.name != "regression"
    scores = {}
    for name, (kind, cells) in columns.items():
        column = [cells[row] for row in rows]
        numbers = numbers_of(kind, column, decimal)
        if ranking:
            scores[name] = max(ranking_score(levels, found, first) for levels in levels_of(column, numbers))
        else:
            values = [as_number(value, decimal) or 0.0 for value in found]
            scores[name] = max(explained_share(levels, values, first) for levels in levels_of(column, numbers))
            if numbers is not None and scores[name] > LIKELY_COPY:
                scores[name] = max(scores[name], copied_share(numbers, values, first))
    enough = fewest_in_half(found, first) >= FEWEST_ROWS if ranking else len(rows) >= 2 * FEWEST_ROWS
    measure = "AUC" if ranking else "R2"
    certain = {
        name: f"alone it predicts the target with {measure} {score:.3f}"
        for name, score in scores.items()
        if score > CERTAIN
    }
    ahead = {}
    ranked = sorted(((score, name) for name, score in scores.items() if name not in certain), reverse=True)
    if ranking and len(ranked) >= 2 and ranked[0][0] - ranked[1][0] >= STANDS_OUT:
        (best, name), (second, _) = ranked[:2]
        ahead = {name: f"alone it ranks the target with AUC {best:.2f}, the next best column with {second:.2f}"}
    if not enough:
        return Leaks({}, {name: f"{sentence}, on few rows" for name, sentence in (certain | ahead).items()}, scores)
    return Leaks(certain, ahead, scores)


def labelled(value: str, task: Task, decimal: str) -> bool:
    """Say whether a row has a target."""
    return as_number(value, decimal) is not None if task.name == "regression" else value in task.labels


def fewest_in_half(labels: list[str], first: list[bool]) -> int:
    """Return the number of rows of the rarest class in the half that has fewer of them."""
    counts = Counter(zip(labels, first, strict=True))
    return min(counts[label, half] for label in set(labels) for half in (True, False))


def numbers_of(kind: Kind, column: list[str], decimal: str) -> list[float | None] | None:
    """Return a column of numbers or dates as numbers; nothing for other columns."""
    numbers: dict[str, float | None]
    if kind.is_numeric:
        absent = MISSING_SET.union(kind.missing_values)
        numbers = {
            token: None if token in absent else float(token.replace(decimal, ".")) for token in set(column)
        }  # the pass has seen that they are numbers
    elif kind.dates:
        dates = {token: kind.dates.read(token) for token in set(column)}
        numbers = {token: None if when is None else (when - EPOCH).total_seconds() for token, when in dates.items()}
    else:
        return None
    return [numbers[token] for token in column]


def levels_of(column: list[str], numbers: list[float | None] | None) -> list[list[Hashable]]:
    """Turn a column into levels, numbers once coarsely and once finely; no value is a level too."""
    if numbers is None:
        return [["" if value in MISSING_SET else value for value in column]]
    enough = len(numbers) >= 2 * BINS[0] * ROWS_PER_BIN  # for finer bins than the coarse ones
    return [bin_numbers(numbers, most) for most in (BINS if enough else BINS[:1])]
