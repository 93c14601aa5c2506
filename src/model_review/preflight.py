"""Before anything is measured: can these two runs be compared at all, and on which rows?"""

from dataclasses import dataclass

import numpy as np

from model_review.alignment import match
from model_review.comparison_basics import Rows
from model_review.comparison_details import Check
from model_review.metrics.answers import Answers
from model_review.predictions import TEST
from model_review.row_sketch import sketch
from model_review.runs import Run
from model_review.text import plain


@dataclass(frozen=True)
class Matched:
    """The answers to compare (None where there are none to compare), the rows, and what was checked."""

    champion: Answers | None
    challenger: Answers | None
    rows: Rows
    checks: list[Check]


def preflight(champion: Run | None, challenger: Run, rows_digest: str) -> Matched:
    """Match the rows of both sides; a comparison on different rows is not made."""
    if challenger.fault is not None:
        problem = f"The challenger's predictions cannot be used: {challenger.fault}"
        return Matched(None, None, _no_rows(), [Check(name="predictions", status="red", detail=problem)])
    usable = Check(name="predictions", status="green", detail="Every prediction is finite and of a known kind.")
    test = challenger.scenarios[TEST]
    after = test.answers
    entities = None if test.entity is None else len(test.entity.dictionary_encode().dictionary)
    rows = _rows(after, challenger, rows_digest).model_copy(
        update={"entities": entities, "sketch": sketch(test.row_id)}
    )
    if champion is None:
        return Matched(None, after, rows, [usable])
    if champion.fault is not None:
        problem = f"The champion's predictions cannot be used: {champion.fault}"
        return Matched(None, None, rows, [usable, _not_comparable(problem)])
    difference = _kind_difference(champion, challenger)
    if difference is not None:
        return Matched(None, None, rows, [usable, _not_comparable(difference)])
    other = champion.scenarios[TEST]
    found = match(other, test)
    rows = rows.model_copy(
        update={
            "compared": found.shared,
            "only_champion": found.only_champion,
            "only_challenger": found.only_challenger,
        }
    )
    if not found.complete:
        problem = (
            f"The two sides answered different rows: {found.shared:,} shared, {found.only_champion:,} only by the "
            f"champion, {found.only_challenger:,} only by the challenger."
        )
        return Matched(None, None, rows, [usable, _not_comparable(problem)])
    changed = int((other.answers.truth != after.truth).sum())
    rows = rows.model_copy(update={"truth_changed": changed})
    if changed:
        problem = f"The truth differs between the two sides in {changed:,} of {len(after):,} rows."
        return Matched(None, None, rows, [usable, _not_comparable(problem)])
    same_rows = Check(name="rows", status="green", detail=f"Both sides answered the same {len(after):,} rows.")
    return Matched(other.answers, after, rows, [usable, same_rows])


def _not_comparable(problem: str) -> Check:
    return Check(name="rows", status="not comparable", detail=problem)


def _kind_difference(champion: Run, challenger: Run) -> str | None:
    """What makes the two runs answers to different questions."""
    before, after = champion.record, challenger.record
    for name in ("task", "target", "positive_class"):
        if getattr(before, name) != getattr(after, name):
            old, new = plain(repr(getattr(before, name))), plain(repr(getattr(after, name)))
            return f"The champion's {name.replace('_', ' ')} is {old}, the challenger's {new}."
    if sorted(before.classes) != sorted(after.classes):
        return "The champion and the challenger know different classes."
    scores = [run.scenarios[TEST].answers.score is not None for run in (champion, challenger)]
    if scores[0] != scores[1]:
        return f"Only the {'champion' if scores[0] else 'challenger'} gives scores."
    return None


def _rows(answers: Answers, run: Run, rows_digest: str) -> Rows:
    classes: dict[str, int] = {}
    positives = None
    if answers.task != "regression":
        labels = list(run.record.classes)
        if answers.task == "binary" and labels[0] == run.record.positive_class:
            labels.reverse()
        counts = np.bincount(answers.truth.astype(np.int64), minlength=answers.classes)
        classes = {plain(label): int(count) for label, count in zip(labels, counts, strict=True)}
        positives = int(counts[1]) if answers.task == "binary" else None
    return Rows(
        compared=len(answers),
        only_champion=0,
        only_challenger=0,
        truth_changed=0,
        positives=positives,
        classes=classes,
        entities=None,
        evaluation_digest=rows_digest,
    )


def _no_rows() -> Rows:
    return Rows(
        compared=0,
        only_champion=0,
        only_challenger=0,
        truth_changed=0,
        positives=None,
        classes={},
        entities=None,
        evaluation_digest="none",
    )


def overlap_checks(overlap: int | None, champion_overlap: int | None) -> list[Check]:
    """Whether rows that a model was trained on are among those it is judged on."""
    checks = []
    if overlap is None:
        detail = "The challenger's run has no rows.parquet, so overlap of training and evaluation rows is not known."
        checks.append(Check(name="overlap", status="not made", detail=detail))
    elif overlap:
        detail = f"{overlap:,} evaluation rows are training rows of the challenger as well."
        checks.append(Check(name="overlap", status="red", detail=detail))
    else:
        detail = "No evaluation row is a training row of the challenger."
        checks.append(Check(name="overlap", status="green", detail=detail))
    if champion_overlap:
        detail = f"The champion was trained on {champion_overlap:,} of the compared rows."
        checks.append(Check(name="overlap", status="not comparable", detail=detail))
    return checks


def evaluation_checks(gone: int, relabelled: int) -> list[Check]:
    """Whether a pull request chose the rows, or the truth, that it is judged on."""
    found = [f"{gone:,} are gone"] if gone else []
    found += [f"{relabelled:,} have another label"] if relabelled else []
    if not found:
        return []
    detail = (
        f"Of the rows that main was evaluated on, {' and '.join(found)}, so a better result may come from the choice "
        "of rows."
    )
    return [Check(name="rows", status="person", detail=detail)]
