"""Simulated groups whose metric truly differs by a known amount: does the interval of the change in gap hold it?"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from simulation import Pair

from model_review.fairness import fairness_rows
from model_review.metrics.answers import Answers
from model_review.metrics.catalog import find
from model_review.metrics.values import value
from model_review.paired import Design
from model_review.policy import Objective, Policy


@dataclass(frozen=True)
class Gap:
    """Groups of rows, each with its own skill of either model.

    Attributes:
        name: What the cell is about.
        rows: Rows of one evaluation set.
        shares: Share of each group.
        before: Skill of the champion in each group.
        after: Skill of the challenger in each group.
        metric: The metric whose gap is looked at.
    """

    name: str
    rows: int
    shares: tuple[float, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    metric: str = "recall"

    def draw(self, rng: np.random.Generator, rows: int) -> tuple[NDArray[np.int64], Pair]:
        """Each row's group, and two models' answers."""
        group = rng.choice(len(self.shares), rows, p=self.shares)
        truth = (rng.random(rows) < 0.3).astype(np.int64)
        noise, sides = rng.normal(size=rows), []
        for skills in (self.before, self.after):
            skill = np.array(skills)[group]
            signal = truth * skill + np.sqrt(0.8) * noise + np.sqrt(0.2) * rng.normal(size=rows)
            score = 1 / (1 + np.exp(-(skill * signal - skill**2 / 2 - 0.85)))
            sides.append(Answers("binary", truth, (score >= 0.4).astype(np.int64), score, 2))
        return group, (sides[0], sides[1])

    def truth(self) -> float:
        """The true change in gap, from a sample so large that its own error does not matter."""
        metric = find("binary", self.metric)
        assert metric
        group, sides = self.draw(np.random.default_rng(98), 2_000_000)
        gaps = [np.ptp([value(metric, side.take(group == code)) for code in range(len(self.shares))]) for side in sides]
        return float(gaps[1] - gaps[0])


def gap_coverage(gap: Gap, pairs: int, seed: int) -> tuple[int, float]:
    """Trusted intervals, and the share of them that held the true change in gap, at 90 %."""
    target, rng = gap.truth(), np.random.default_rng([seed, gap.rows])
    policy = Policy(Objective(gap.metric, None, ""))
    names = pa.array([f"group {code}" for code in range(len(gap.shares))])
    trusted = hits = 0
    for number in range(pairs):
        group, sides = gap.draw(rng, gap.rows)
        column = pa.DictionaryArray.from_arrays(pa.array(group.astype(np.int32)), names)
        row = fairness_rows({"group": column}, ["group"], *sides, Design(None, number), policy)[0]
        if row.low is None or row.high is None:
            continue
        trusted += 1
        hits += row.low <= target <= row.high
    return trusted, hits / max(trusted, 1)
