"""What is learnt: the task, decided by the target's values, and its labels."""

import difflib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from answers import Refusal
from columns import Column
from kinds import FALSE, MOST_CATEGORIES, TRUE, is_number

MOST_INTEGER_CLASSES = 20
NONE = "None"  # the one spelling of "no value" that is also an answer: None, Insomnia, Apnea
NONE_SHARE = 0.05


@dataclass(frozen=True)
class Task:
    """The resolved task."""

    name: str
    target: str
    labels: Counter[str]  # rows of each class, over the whole table; empty for regression
    positive_class: str | None = None
    none_is_a_class: bool = False


def find_target(file_name: str, names: tuple[str, ...], target: str) -> int:
    """Return the target's position, or refuse with the nearest names."""
    if target in names:
        return names.index(target)
    if not target:
        raise Refusal(f"target is empty: name the column of {file_name} to predict, one of {listed(names)}.")
    folded = {name.casefold(): name for name in names}
    near = [folded[name] for name in difflib.get_close_matches(target.casefold(), folded, n=3, cutoff=0.5)]
    hint = f"did you mean {listed(near, ' or ')}?" if near else f"its columns are {listed(names)}."
    raise Refusal(f"target {target!r} is not a column of {file_name}: {hint}")


def listed(names: tuple[str, ...] | list[str], joint: str = ", ") -> str:
    """List some names."""
    return joint.join(map(repr, names[:8])) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def resolve(columns: Sequence[Column], position: int, asked: str) -> Task:
    """Decide the task, or refuse a target that it does not fit."""
    column = columns[position]
    none = none_is_a_class(column, columns)
    if none:
        column.take_for_a_value(NONE)
    name, labels = column.name, column.levels
    if not column.present:
        raise Refusal(f"target {name!r} has no value in any row: choose another column.")
    if labels is not None and len(labels) == 1:
        other = next(
            (f"; {token!r} counts as no value, write it in another way" for token in column.absent if token), ""
        )
        raise Refusal(f"target {name!r} has one value only ({next(iter(labels))!r}): there is nothing to learn{other}.")
    if column.dates.settle():
        raise Refusal(f"target {name!r} is a date: predict a number or a class, for example the days until then.")
    number = is_number(column)
    count = len(labels) if labels is not None else 0
    task = asked if asked != "auto" else _by_values(number, column.is_integer, count)
    if task == "regression":
        if not number:
            raise Refusal(f"target {name!r} is not a number in every row: task=regression does not fit it.")
        return Task("regression", name, Counter())
    if not count or count > MOST_CATEGORIES:
        raise Refusal(
            f"target {name!r} has more than {MOST_CATEGORIES} different values"
            + (
                ": use task=regression."
                if number
                else ", which are no numbers: choose another column, or group its values."
            )
        )
    assert labels is not None
    if task == "binary" and count != 2:
        raise Refusal(f"target {name!r} has {count} values: use task=multiclass, or group its values into two.")
    if task == "multiclass" and count == 2:
        raise Refusal(f"target {name!r} has 2 values: use task=binary.")
    return Task(task, name, labels, positive(labels) if task == "binary" else None, none)


def none_is_a_class(target: Column, columns: Sequence[Column]) -> bool:
    """Say whether `None` is an answer of the target and no gap in it.

    It is where the other labels are words, but not both yes and no, where it is not rare and the only spelling of "no
    value" in the column, and where no column of numbers or dates has it for a gap.
    """
    folded = {level.casefold() for level in target.levels or ()}
    if set(target.absent) != {NONE} or target.missing < NONE_SHARE * target.rows or not folded or is_number(target):
        return False
    gaps = any(NONE in other.absent and (is_number(other) or other.dates.settle()) for other in columns)
    return not gaps and not (folded & TRUE and folded & FALSE)


def _by_values(number: bool, whole: bool, count: int) -> str:
    if count == 2:
        return "binary"
    if number and not (whole and 2 < count <= MOST_INTEGER_CLASSES):
        return "regression"
    return "multiclass"


def positive(labels: Counter[str]) -> str:
    """Return the label that says yes; where none does, the rarer one, but not the one that says there is nothing."""
    affirmed = [label for label in sorted(labels) if label.casefold() in TRUE]
    others = [label for label in sorted(labels, reverse=True) if label != NONE]  # of two labels at least one
    return affirmed[0] if affirmed else min(others, key=lambda label: labels[label])
