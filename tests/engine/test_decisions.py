"""The verdict's promises over many pull requests: power, false promotions, and the price of looking again."""

from collections.abc import Callable

import numpy as np
import pytest
from simulation import Cell, truths

from model_review.ledger import Look, look_number
from model_review.metrics.catalog import find
from model_review.paired import Design, compare_metric
from model_review.statistics.power import reach
from model_review.statistics.proportions import paired_proportion

ALPHA, PLANNED = 0.025, 20


def gains(cell: Cell, name: str, pairs: int, alpha: float, seed: int) -> tuple[list[float], list[float]]:
    """Lower ends of the gain at a look's level, and standard errors, over simulated pull requests."""
    metric = find("binary" if cell.share else "regression", name)
    assert metric
    rng = np.random.default_rng([seed, 7])
    lows, errors = [], []
    for number in range(pairs):
        found = compare_metric(metric, *cell.draw(rng, cell.rows), Design(None, number, 2000))
        low, high = found.interval(1 - 2 * alpha)
        lows.append(low if metric.higher_is_better else -high)
        errors.append(found.se)
    return lows, errors


def promoted_at_the_detectable_effect(cell: Cell, name: str, pairs: int, alpha: float) -> float:
    """Share promoted where the true gain is exactly what the report calls detectable."""
    metric = find("binary" if cell.share else "regression", name)
    assert metric
    lows, errors = gains(cell, name, pairs, alpha, seed=3)
    gain = metric.sign * truths(cell)[name]
    min_effect = gain - reach(alpha) * float(np.mean(errors))
    return float(np.mean(np.array(lows) > min_effect))


WORLDS = [
    (Cell("auc", 1500, 0.3, gain=0.4), "roc_auc"),
    (Cell("log loss", 1500, 0.3, gain=0.4), "log_loss"),
    (Cell("accuracy", 1500, 0.3, gain=0.4), "accuracy"),
    (Cell("mae", 1000, None, gain=0.4), "mae"),
]


@pytest.mark.parametrize(("cell", "name"), WORLDS, ids=lambda value: getattr(value, "name", ""))
def test_four_of_five_true_gains_of_the_detectable_size_are_promoted(cell: Cell, name: str) -> None:
    share = promoted_at_the_detectable_effect(cell, name, 300, ALPHA)
    # 4 points, and three Monte-Carlo standard errors of 300 pairs.
    assert share == pytest.approx(0.80, abs=0.04 + 3 * 0.023)


@pytest.mark.prove
@pytest.mark.parametrize(
    ("cell", "name"), [*WORLDS, (Cell("f1", 1500, 0.3, gain=0.4), "f1")], ids=lambda value: getattr(value, "name", "")
)
def test_power_at_the_detectable_effect_is_eighty_percent(cell: Cell, name: str, show: Callable[[str], None]) -> None:
    alone = promoted_at_the_detectable_effect(cell, name, 3000, ALPHA)
    default = promoted_at_the_detectable_effect(cell, name, 3000, ALPHA / PLANNED)
    show(f"{name}: {alone:.3f} promoted at look 1 of 1, {default:.3f} under the default policy (its own effect)")
    assert alone == pytest.approx(0.80, abs=0.04)


def null_promotions(cell: Cell, name: str, pairs: int) -> float:
    lows, _ = gains(cell, name, pairs, ALPHA, seed=5)
    return float(np.mean(np.array(lows) > 0))


NULLS = [
    (Cell("auc", 800, 0.2, gain=0.0), "roc_auc"),
    (Cell("log loss", 800, 0.2, gain=0.0), "log_loss"),
    (Cell("accuracy", 800, 0.2, gain=0.0), "accuracy"),
]


@pytest.mark.parametrize(("cell", "name"), NULLS, ids=lambda value: getattr(value, "name", ""))
def test_a_null_challenger_is_seldom_promoted(cell: Cell, name: str) -> None:
    assert null_promotions(cell, name, 300) <= ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / 300)


@pytest.mark.prove
@pytest.mark.parametrize(
    ("cell", "name"), [*NULLS, (Cell("mcc", 800, 0.3, gain=0.0), "mcc")], ids=lambda value: getattr(value, "name", "")
)
def test_a_null_challenger_is_promoted_in_at_most_alpha(cell: Cell, name: str, show: Callable[[str], None]) -> None:
    share = null_promotions(cell, name, 4000)
    show(f"{name}: {share:.4f} of null challengers promoted at alpha {ALPHA}")
    assert share <= ALPHA + 2 * np.sqrt(ALPHA * (1 - ALPHA) / 4000)


Promote = Callable[[int, int, int, int], bool]


def inflation(repeats: int, promote: Promote, seed: int = 11) -> tuple[float, float, float]:
    """Mean and 95th percentile of the champion's inflation (points), and promotions per 100 null pull requests.

    The set-up of facts/statistics.md 2.5: 2,000 rows, every model truly right on 80 %, 6 % of the rows change.
    """
    rng = np.random.default_rng(seed)
    rows, found, promotions = 2000, [], 0
    for _ in range(repeats):
        right = rng.random(rows) < 0.8
        for number in range(1, 101):
            change = rng.random(rows) < np.where(right, 0.03 / 0.8, 0.03 / 0.2)
            gained, lost = int((change & ~right).sum()), int((change & right).sum())
            if promote(gained, lost, rows, number):
                right = right ^ change
                promotions += 1
        found.append(100 * (right.mean() - 0.8))
    return float(np.mean(found)), float(np.quantile(found, 0.95)), promotions / repeats


def with_ledger() -> Promote:
    """The engine's rule: each look spends alpha / 20, and a used-up set promotes nothing."""
    looks: list[Look] = []

    def promote(gained: int, lost: int, rows: int, number: int) -> bool:
        if number == 1:
            looks.clear()
        look = Look(
            evaluation_digest="sha256:" + "e" * 64,
            row_count=rows,
            time="2026-01-01T00:00:00Z",
            challenger_key=f"sha256:{number:064x}",
            champion_key="sha256:" + "c" * 64,
            alpha=ALPHA / PLANNED,
        )
        count = look_number(looks, look)
        looks.append(look)
        if count > PLANNED:
            return False
        return paired_proportion(gained, lost, rows).interval(1 - 2 * ALPHA / PLANNED)[0] > 0

    return promote


def test_the_simulation_shows_the_damage_that_the_ledger_prevents() -> None:
    """Source: facts/statistics.md 2.5: "new > old" promotes 13.4 of 100 and inflates by 4.3 points."""
    mean, _, promotions = inflation(40, lambda gained, lost, rows, number: gained > lost)
    assert promotions == pytest.approx(13.4, abs=1.5)
    assert mean == pytest.approx(4.3, abs=0.4)


def test_a_hundred_null_pull_requests_leave_the_champion_as_it_was() -> None:
    mean, _, promotions = inflation(40, with_ledger())
    assert mean < 0.3 + 3 * 0.9 / np.sqrt(40)  # three standard errors: one repeat's accuracy has one of 0.9 points
    assert promotions < 0.3


@pytest.mark.prove
def test_a_hundred_null_pull_requests_inflate_by_less_than_three_tenths_of_a_point(
    show: Callable[[str], None],
) -> None:
    mean, top, promotions = inflation(400, with_ledger())
    show(f"inflation {mean:+.3f} points on average, 95th percentile {top:+.3f}, {promotions:.3f} promotions per 100")
    assert mean < 0.3
