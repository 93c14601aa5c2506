"""The estimate of one metric's difference: picks the method that fits the metric and the rows."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from model_review.additive_draws import clusters, count_draws, ratio_difference
from model_review.doubts import doubts, effective_entities, heavy_degrees
from model_review.metrics.answers import Answers
from model_review.metrics.catalog import Metric
from model_review.metrics.confusion import COUNT_METRICS
from model_review.metrics.losses import ratio_terms, row_losses
from model_review.metrics.ranking import placements, split
from model_review.metrics.values import value
from model_review.pull import difference_pull
from model_review.statistics import bootstrap, weighted
from model_review.statistics.delong import delong
from model_review.statistics.estimate import Estimate, certain, negated, pivotal
from model_review.statistics.losses import paired_t, sign_flip_p
from model_review.statistics.proportions import paired_proportion

MANY_UNITS = 50_000  # rows above which the jackknife takes over from the bootstrap where entities repeat
MANY_NUMBERS = 10_000  # the same for RMSE and R2, whose draws cost the most and gain the least
MANY_CELLS = 20_000_000
REPLICATES = 2000


@dataclass(frozen=True)
class Design:
    """How the rows were drawn, and how to draw them again.

    Attributes:
        entity: Code of each row's entity where entities repeat, else None.
        seed: Derived from the content, so that the same input gives the same interval.
        replicates: Bootstrap draws; 0 asks for closed forms only, where very many groups are looked at.
    """

    entity: NDArray[np.int64] | None
    seed: int
    replicates: int = REPLICATES

    def rng(self, metric: Metric) -> np.random.Generator:
        """A generator of its own for each metric, so that adding a metric does not move the others."""
        return np.random.default_rng([self.seed, *metric.name.encode()])

    def take(self, rows: NDArray[np.generic]) -> "Design":
        """The same design on some of the rows."""
        return Design(None if self.entity is None else repeats(self.entity[rows]), self.seed, self.replicates)


def repeats(entity: NDArray[np.generic]) -> NDArray[np.int64] | None:
    """Entity codes 0, 1, ...; None where every row is an entity of its own."""
    names, codes = np.unique(entity, return_inverse=True)
    return codes.astype(np.int64) if len(names) < len(codes) else None


def compare_metric(
    metric: Metric,
    champion: Answers,
    challenger: Answers,
    design: Design,
    values: tuple[float, float] | None = None,
) -> Estimate:
    """The difference of one metric, challenger minus champion, on the same rows.

    `values` are the metric's on either side, where they are known already; a metric without a value raises.
    """
    before, after = values or (value(metric, champion), value(metric, challenger))
    if _reversed(champion, challenger):
        return negated(compare_metric(metric, challenger, champion, design, (after, before)))
    delta = after - before
    if design.entity is not None:
        estimate = _clustered(metric, champion, challenger, design, design.entity, delta)
    else:
        estimate = _independent(metric, champion, challenger, design, delta)
    found = doubts(metric, champion, challenger, estimate, design.entity)
    return replace(estimate, doubts=estimate.doubts + found)


def _reversed(champion: Answers, challenger: Answers) -> bool:
    """Whether the two sides are taken the other way round: the first row on which they differ decides.

    Draws follow the order of the sides. A fixed order makes swapping them negate every number to the last bit.
    """
    for name in ("predicted", "score", "value"):
        first, second = getattr(champion, name), getattr(challenger, name)
        if first is None or second is None:
            continue
        differs = (first != second).ravel()
        place = int(differs.argmax())
        if differs[place]:
            return bool(first.ravel()[place] > second.ravel()[place])
    return False


def _independent(metric: Metric, champion: Answers, challenger: Answers, design: Design, delta: float) -> Estimate:
    match metric.family:
        case "rate":
            return _rate(metric, champion, challenger)
        case "loss":
            difference = row_losses(metric.name, challenger) - row_losses(metric.name, champion)
            if design.replicates == 0:
                return paired_t(difference)
            return paired_t(difference, sign_flip_p(difference, design.rng(metric)))
        case "auc":
            return _auc(metric, champion, challenger, design)
        case "macro_auc":
            return replace(
                _linearised(metric, champion, challenger, delta), method="DeLong, one against the rest, linearised"
            )
        case "median":
            # A bootstrap of medians is too wide at every size that was simulated.
            return replace(
                _linearised(metric, champion, challenger, delta), method="linearised (spacing of order statistics)"
            )
        case "average_precision":
            return _left_out_of_classes(metric, champion, challenger, delta)
        case "ratio" if champion.task == "binary":
            # D2 moves with the share of positives, which a bootstrap within classes would hold still.
            return _linearised(metric, champion, challenger, delta, within_classes=False)
        case _:
            return _bootstrap(metric, champion, challenger, design, delta)


def _rate(metric: Metric, champion: Answers, challenger: Answers) -> Estimate:
    truth = champion.truth
    rows = np.ones(len(truth), bool) if metric.name == "accuracy" else truth == (metric.name == "recall")
    before, after = (champion.predicted == truth)[rows], (challenger.predicted == truth)[rows]
    return paired_proportion(int((after & ~before).sum()), int((before & ~after).sum()), int(rows.sum()))


def _auc(metric: Metric, champion: Answers, challenger: Answers, design: Design) -> Estimate:
    sides = placements(*split(champion, metric.name)), placements(*split(challenger, metric.name))
    estimate = delong(*sides)
    if estimate.se > 0 or design.replicates == 0 or bool((champion.scores() == challenger.scores()).all()):
        return estimate
    truth = champion.truth == 1
    draws = weighted.draws(
        weighted.weighted_auc(truth, champion.scores()),
        weighted.weighted_auc(truth, challenger.scores()),
        [np.flatnonzero(truth), np.flatnonzero(~truth)],
        len(truth),
        design.replicates,
        design.rng(metric),
    )
    spread = bootstrap.spread(difference_pull(metric, champion, challenger), truth.astype(np.int64))
    drawn = bootstrap.percentile(estimate.delta, draws, spread, "stratified paired bootstrap", len(truth))
    return replace(drawn, notes=("DeLong's variance is 0 here, so the interval is a bootstrap's",))


def _strata(champion: Answers) -> NDArray[np.int64]:
    """Classes are drawn apart; numbers are not."""
    if champion.task == "regression":
        return np.zeros(len(champion), dtype=np.int64)
    return champion.truth.astype(np.int64)


def _linearised(
    metric: Metric, champion: Answers, challenger: Answers, delta: float, *, within_classes: bool = True
) -> Estimate:
    strata = _strata(champion) if within_classes else None
    spread = bootstrap.spread(difference_pull(metric, champion, challenger), strata)
    return pivotal(delta, spread.se, spread.degrees, "jackknife", len(champion))


def _left_out_of_classes(metric: Metric, champion: Answers, challenger: Answers, delta: float) -> Estimate:
    """The jackknife of two samples: a row is left out of its own class, not of all rows."""
    strata = _strata(champion)
    kept = 1 - 1 / np.maximum(np.bincount(strata), 2)
    spread = bootstrap.spread(difference_pull(metric, champion, challenger) * kept[strata], strata)
    return pivotal(delta, spread.se, spread.degrees, "jackknife within classes", len(champion))


def _bootstrap(metric: Metric, champion: Answers, challenger: Answers, design: Design, delta: float) -> Estimate:
    counted = metric.name in COUNT_METRICS and champion.classes <= 50
    if design.replicates == 0 or (len(champion) > MANY_NUMBERS and not counted):
        return _linearised(metric, champion, challenger, delta)
    strata = _strata(champion)
    pulls = difference_pull(metric, champion, challenger)
    spread = bootstrap.spread(pulls, strata)
    rng = design.rng(metric)
    if counted:
        draws = count_draws(metric, champion, challenger, design.replicates, rng)
    else:
        terms = [ratio_terms(metric.name, side) for side in (champion, challenger)]
        means = bootstrap.draw_means(np.hstack(terms), np.ones(len(strata)), strata, design.replicates, rng)
        draws = ratio_difference(metric, means)
        spread = replace(spread.fitted(draws), degrees=min(spread.degrees, heavy_degrees(pulls)))
    name = "paired bootstrap" if champion.task == "regression" else "stratified paired bootstrap"
    return bootstrap.percentile(delta, draws, spread, name, len(champion))


def _clustered(
    metric: Metric, champion: Answers, challenger: Answers, design: Design, entity: NDArray[np.int64], delta: float
) -> Estimate:
    sizes = np.bincount(entity)
    entities, rows = len(sizes), len(entity)
    degrees = max(effective_entities(sizes) - 1, 1.0)
    if entities == 1:
        return certain(delta, "cluster bootstrap over entity", entities)
    wide = entities * champion.classes**2 > MANY_CELLS and metric.name in COUNT_METRICS
    drawn = metric.name in COUNT_METRICS or metric.family in ("loss", "ratio")
    if design.replicates == 0 or rows > MANY_UNITS or wide or not drawn:
        pulls = np.bincount(entity, difference_pull(metric, champion, challenger), entities) * entities / rows
        name = "Obuchowski, clustered by entity" if metric.family == "auc" else "jackknife, clustered by entity"
        return pivotal(delta, bootstrap.spread(pulls).se, degrees, name, entities)
    parts = clusters(metric, champion, challenger, entity)
    spread = replace(bootstrap.spread((1 - entities) * parts.left_out()), degrees=degrees)
    if spread.se == 0:
        return certain(delta, "cluster bootstrap over entity", entities)
    draws = parts.draws(design.replicates, design.rng(metric))
    return bootstrap.percentile(delta, draws, spread.fitted(draws), "cluster bootstrap over entity", entities)
