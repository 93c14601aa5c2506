"""How the answers changed: flips, moves, calibration, and what the plots need."""

import numpy as np

from model_review.comparison_details import (
    CalibrationBin,
    CalibrationPair,
    CalibrationSide,
    Change,
    Curve,
    Curves,
    FlipCounts,
    Moves,
)
from model_review.metrics.answers import Answers, Floats
from model_review.run_record import RunRecord
from model_review.statistics import calibration
from model_review.statistics.flips import flips
from model_review.text import plain

BINS = 10
GRID = 51


def flip_counts(champion: Answers, challenger: Answers, reseeded: Answers | None) -> FlipCounts:
    """Flips between the two models, beside what another seed alone flips."""
    found = flips(champion.truth, champion.predicted, challenger.predicted)
    churn = None if reseeded is None else float((champion.predicted != reseeded.predicted).mean())
    return FlipCounts(**vars(found), self_churn=churn)


def moves(champion: Answers, challenger: Answers, reseeded: Answers | None) -> Moves:
    """Regression: how far the predictions moved."""
    distance = np.abs(challenger.predicted.astype(float) - champion.predicted.astype(float))
    seeds = None
    if reseeded is not None:
        seeds = float(np.median(np.abs(reseeded.predicted.astype(float) - champion.predicted.astype(float))))
    return Moves(median=float(np.median(distance)), p95=float(np.quantile(distance, 0.95)), self_median=seeds)


def calibration_pair(champion: Answers | None, challenger: Answers) -> CalibrationPair | None:
    """Calibration of both models of a binary task."""
    if challenger.task != "binary" or challenger.score is None:
        return None
    before = None if champion is None or champion.score is None else _calibration(champion)
    return CalibrationPair(champion=before, challenger=_calibration(challenger))


def _calibration(side: Answers) -> CalibrationSide:
    truth, score = side.truth.astype(float), side.scores()
    bins = calibration.curve(truth, score, calibration.equal_mass(score, min(BINS, len(score))))
    line = calibration.slope_and_intercept(truth, score)
    return CalibrationSide(
        slope=line[0] if line else None,
        intercept=line[1] if line else None,
        brier=float(((truth - score) ** 2).mean()),
        ece=calibration.expected_calibration_error(bins),
        bins=[CalibrationBin(**vars(one)) for one in bins],
    )


def curves(champion: Answers | None, challenger: Answers, before: RunRecord | None, after: RunRecord) -> Curves:
    """ROC, precision-recall, score shift and importances, small enough to travel."""
    importances = [
        Change(
            name=plain(name),
            champion=None if before is None or name not in before.importances else repr(before.importances[name]),
            challenger=repr(value),
        )
        for name, value in sorted(after.importances.items(), key=lambda item: -item[1])[:20]
    ]
    both = challenger.task == "binary" and 0 < int((challenger.truth == 1).sum()) < len(challenger)
    if not both or challenger.score is None or champion is None or champion.score is None:
        return Curves(importances=importances)
    edges = np.linspace(0, 1, 21)
    counts = [np.histogram(side.scores(), edges)[0].tolist() for side in (champion, challenger)]
    return Curves(
        roc=_curve(champion, challenger, "roc"),
        pr=_curve(champion, challenger, "pr"),
        score_edges=edges.tolist(),
        score_champion=counts[0],
        score_challenger=counts[1],
        importances=importances,
    )


def _curve(champion: Answers, challenger: Answers, kind: str) -> Curve:
    grid = np.linspace(0, 1, GRID)
    lines, bands = [], []
    for side in (champion, challenger):
        hits, misses = _cumulative(side)
        if kind == "roc":
            shown = np.interp(grid, misses / misses[-1], hits / hits[-1])
            rows = np.full(GRID, hits[-1])
        else:
            # Recall 0 shows the precision at the first hit.
            place = np.minimum(np.searchsorted(hits, np.maximum(grid * hits[-1], 1), "left"), len(hits) - 1)
            shown, rows = hits[place] / (hits[place] + misses[place]), hits[place] + misses[place]
        lines.append(shown.tolist())
        bands = [calibration.wilson(float(share * n), int(n)) for share, n in zip(shown, rows, strict=True)]
    low, high = [band[0] for band in bands], [band[1] for band in bands]
    return Curve(grid=grid.tolist(), champion=lines[0], challenger=lines[1], low=low, high=high)


def _cumulative(side: Answers) -> tuple[Floats, Floats]:
    """Positives and negatives at or above each distinct score, from none to all."""
    score, truth = side.scores(), side.truth == 1
    order = np.argsort(-score, kind="stable")
    last = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    hits = np.cumsum(truth[order])[last].astype(float)
    return np.append(0.0, hits), np.append(0.0, last + 1 - hits)
