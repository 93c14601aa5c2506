"""Simulated pairs of models whose true difference is known from a very large sample."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from model_review.metrics.answers import Answers, Floats, UndefinedMetric
from model_review.metrics.catalog import metrics_of
from model_review.metrics.values import value
from model_review.paired import Design, compare_metric, repeats

LEVELS = (0.90, 0.95)
TOLERANCE = 0.015
FEW_DISCORDANT = 20
MONEY = np.array([[0.0, -1.0], [-5.0, 10.0]])  # business value by truth and prediction
Entity = NDArray[np.int64] | None
Pair = tuple[Answers, Answers]


@dataclass(frozen=True)
class Cell:
    """One kind of evaluation set.

    Attributes:
        name: What the cell is about.
        rows: Rows of one evaluation set.
        share: Share of positives (of three classes: of the first); None for a regression.
        gain: By how much the second model's skill is larger.
        alike: Correlation of the two models' noise.
        ties: Scores rounded to one or two digits.
        heavy: Regression with heavy tails.
        entity_sizes: Rows of the entities, repeated as often as there are rows; (1,) for independent rows.
        classes: Classes; 3 for multiclass.
    """

    name: str
    rows: int
    share: float | None = 0.3
    gain: float = 0.1
    alike: float = 0.8
    ties: bool = False
    heavy: bool = False
    entity_sizes: tuple[int, ...] = (1,)
    classes: int = 2

    def entity(self, rows: int) -> Entity:
        """Entity of each row."""
        if self.entity_sizes == (1,):
            return None
        times = -(-rows // sum(self.entity_sizes))
        sizes = np.tile(self.entity_sizes, times)
        return np.repeat(np.arange(len(sizes)), sizes)[:rows]

    def draw(self, rng: np.random.Generator, rows: int) -> Pair:
        """Two models' answers to freshly drawn rows."""
        entity = self.entity(rows)
        if self.share is None:
            return self._numbers(rng, rows, entity)
        if self.classes > 2:
            return self._classes(rng, rows, entity)
        noise = _shared(rng, rows, entity, 0.6)
        truth = (_shared(rng, rows, entity, 0.7) < ndtri(self.share)).astype(np.int64)
        sides = []
        for skill in (1.5, 1.5 + self.gain):
            own = rng.normal(size=rows)
            signal = truth * skill + np.sqrt(self.alike) * noise + np.sqrt(1 - self.alike) * own
            score = 1 / (1 + np.exp(-(skill * signal - skill**2 / 2 + np.log(self.share / (1 - self.share)))))
            if self.ties:
                # Never 0 or 1: a certain error costs 36 nats, and such worlds have no interval worth the name.
                score = np.clip(np.round(score, 1 if self.share > 0.1 else 2), 0.005, 0.995)
            cut = 0.5 if self.share >= 0.3 else 1.5 * self.share
            predicted = (score >= cut).astype(np.int64)
            sides.append(Answers("binary", truth, predicted, score, 2, MONEY[truth, predicted]))
        return sides[0], sides[1]

    def _classes(self, rng: np.random.Generator, rows: int, entity: Entity) -> Pair:
        """Three classes: the first as rare as the cell says, the others share the rest two to one."""
        assert self.share is not None
        shares = np.array([self.share, (1 - self.share) * 2 / 3, (1 - self.share) / 3])
        truth = np.searchsorted(np.cumsum(shares)[:2], ndtr(_shared(rng, rows, entity, 0.7))).astype(np.int64)
        noise = rng.normal(size=(rows, 3))
        sides = []
        for skill in (1.5, 1.5 + self.gain):
            own = rng.normal(size=(rows, 3))
            signal = skill * np.eye(3)[truth] + np.sqrt(self.alike) * noise + np.sqrt(1 - self.alike) * own
            score = np.exp(skill * signal) * shares
            score /= score.sum(axis=1, keepdims=True)
            sides.append(Answers("multiclass", truth, score.argmax(axis=1), score, 3))
        return sides[0], sides[1]

    def _numbers(self, rng: np.random.Generator, rows: int, entity: Entity) -> Pair:
        shared = _shared(rng, rows, entity, 0.6)
        level = np.exp(shared) if self.heavy else 2 * shared + 10
        truth = level + np.abs(rng.standard_t(4, size=rows)) if self.heavy else level + rng.normal(size=rows)
        noises = (0.5, 0.5 - 0.5 * self.gain)
        sides = [np.maximum(level + noise * _shared(rng, rows, entity, 0.6), 0.1) for noise in noises]
        return Answers("regression", truth, sides[0], None, 0), Answers("regression", truth, sides[1], None, 0)


def _shared(rng: np.random.Generator, rows: int, entity: Entity, weight: float) -> Floats:
    """Standard normal noise, part of which an entity's rows share."""
    own = rng.normal(size=rows)
    if entity is None:
        return own
    return np.asarray(weight * rng.normal(size=int(entity[-1]) + 1)[entity] + np.sqrt(1 - weight**2) * own)


@dataclass
class Tally:
    """How often a metric's intervals held the truth, where the engine stood by them."""

    trusted: int = 0
    hits: dict[float, int] = field(default_factory=lambda: dict.fromkeys(LEVELS, 0))
    discordant: list[int] = field(default_factory=list)

    def coverage(self, level: float) -> float:
        """Share of trusted intervals that held the truth."""
        return self.hits[level] / self.trusted

    def line(self) -> str:
        """What the tally shows, in one line."""
        if not self.trusted:
            return "too small to tell throughout"
        shares = ", ".join(f"{level:.0%}: {self.coverage(level):.4f}" for level in LEVELS)
        return f"trusted {self.trusted:5d} {shares}"

    def strays(self) -> bool:
        """Whether coverage is off by more than the tolerance; few discordant rows may cover more, never less."""
        few = np.median(self.discordant) < FEW_DISCORDANT if self.discordant else False
        gaps = [self.coverage(level) - level for level in LEVELS]
        return any(gap < -TOLERANCE or (gap > TOLERANCE and not few) for gap in gaps)


def truths(cell: Cell) -> dict[str, float]:
    """True differences, from a sample so large that its error, a twentieth of a cell's, takes 0.1 points of it."""
    rows = min(4_000_000, max(400_000, 400 * cell.rows))
    sums: dict[str, list[float]] = {}
    for seed in range(4):
        first, second = cell.draw(np.random.default_rng([99, seed]), rows // 4)
        for metric in metrics_of(first.task):
            try:
                delta = value(metric, second) - value(metric, first)
            except UndefinedMetric:
                continue
            sums.setdefault(metric.name, []).append(delta)
    return {name: float(np.mean(found)) for name, found in sums.items()}


def coverage(
    cell: Cell, pairs: int, seed: int, replicates: int = 600, only: Callable[[str], bool] = lambda _: True
) -> dict[str, Tally]:
    """Coverage of every metric over many evaluation sets of one kind."""
    target = truths(cell)
    tallies = {name: Tally() for name in target if only(name)}
    rng = np.random.default_rng([seed, cell.rows])
    entity = cell.entity(cell.rows)
    codes = None if entity is None else repeats(entity)
    for number in range(pairs):
        first, second = cell.draw(rng, cell.rows)
        for metric in metrics_of(first.task):
            tally = tallies.get(metric.name)
            if tally is None:
                continue
            # A mean loss of independent rows has its interval in closed form; drawing is for its p alone.
            draws = 0 if metric.family == "loss" and codes is None else replicates
            try:
                estimate = compare_metric(metric, first, second, Design(codes, number, draws))
            except UndefinedMetric:
                continue
            if estimate.doubts:
                continue
            tally.trusted += 1
            if first.task != "regression" and metric.family in ("rate", "counts"):
                tally.discordant.append(_discordant(metric.name, first, second))
            for level in LEVELS:
                low, high = estimate.interval(level)
                tally.hits[level] += low <= target[metric.name] <= high
    return tallies


def _discordant(name: str, first: Answers, second: Answers) -> int:
    """Rows on which the two models differ, in the class where they are fewest (for a rate: in its own class)."""
    differ = first.predicted != second.predicted
    if name == "accuracy":
        return int(differ.sum())
    classes = {"recall": (1,), "specificity": (0,)}.get(name, (0, 1))
    return min(int((differ & (first.truth == code)).sum()) for code in classes)
