"""Do the intervals hold the truth as often as they say, wherever the engine does not say "too small to tell"?"""

from collections.abc import Callable

import pytest
from simulated_gaps import Gap, gap_coverage
from simulation import TOLERANCE, Cell, coverage

SMALL = [Cell("binary", 400, 0.3), Cell("rare", 1500, 0.05), Cell("numbers", 200, None)]
UNEVEN = (1, 1, 2, 2, 3, 5, 8, 18)
GRID = [
    Cell("few rows", 60, 0.5),
    Cell("small", 150, 0.3),
    Cell("usual", 500, 0.3),
    Cell("no difference", 500, 0.3, gain=0.0),
    Cell("close", 1000, 0.3, gain=0.02, alike=0.99),
    Cell("rare, 5 %", 1000, 0.05),
    Cell("rare, 2 %", 3000, 0.02),
    Cell("at the limit", 1600, 0.03),
    Cell("ties", 1000, 0.2, ties=True),
    Cell("many", 20_000, 0.1),
    Cell("entities", 400, 0.3, entity_sizes=(4,)),
    Cell("many entities", 2000, 0.2, entity_sizes=(5,)),
    Cell("uneven entities", 2000, 0.3, entity_sizes=UNEVEN),
    Cell("three classes", 600, 0.2, classes=3),
    Cell("three classes, one rare", 2000, 0.03, classes=3),
    Cell("three classes, entities", 1500, 0.2, classes=3, entity_sizes=(3,)),
    Cell("numbers, few", 60, None),
    Cell("numbers", 500, None),
    Cell("numbers, heavy tails", 500, None, heavy=True),
    Cell("numbers, many", 20_000, None),
    Cell("numbers, entities", 1000, None, entity_sizes=(4,)),
]


@pytest.mark.parametrize("cell", SMALL, ids=lambda cell: cell.name)
def test_coverage_is_near_its_level_in_a_small_simulation(cell: Cell) -> None:
    tallies = coverage(cell, 120, seed=1, replicates=300)
    assert any(tally.trusted for tally in tallies.values())
    for name, tally in tallies.items():
        if tally.trusted == 120:
            # Four Monte-Carlo standard errors of 120 pairs at 95 %, below the tolerance of the full proof.
            assert tally.coverage(0.95) > 0.95 - TOLERANCE - 4 * 0.02, name


@pytest.mark.prove
@pytest.mark.parametrize("cell", GRID, ids=lambda cell: cell.name)
def test_coverage_is_within_one_and_a_half_points(cell: Cell, show: Callable[[str], None]) -> None:
    tallies = coverage(cell, 2000, seed=1)
    strays = [name for name, tally in tallies.items() if tally.trusted >= 200 and tally.strays()]
    for name, tally in tallies.items():
        show(f"{cell.name:24s} {name:18s} {tally.line()}{' run again' if name in strays else ''}")
    again = coverage(cell, 20_000, seed=2, only=lambda name: name in strays) if strays else {}
    for name, tally in again.items():
        show(f"{cell.name:24s} {name:18s} {tally.line()} (20,000 pairs)")
    assert not [name for name, tally in again.items() if tally.strays()]


GAPS = [
    Gap("clear gaps", 4000, (0.5, 0.3, 0.2), (2.0, 1.5, 1.0), (2.1, 1.5, 1.1)),
    Gap("clear gaps, ROC AUC", 4000, (0.6, 0.4), (1.8, 1.0), (1.9, 1.2), "roc_auc"),
    Gap("clear gaps, log loss", 4000, (0.6, 0.4), (1.8, 1.0), (1.9, 1.2), "log_loss"),
    Gap("a gap opens", 2000, (0.7, 0.3), (1.5, 1.5), (1.7, 1.4)),
    Gap("a gap closes", 2000, (0.7, 0.3), (1.7, 1.3), (1.6, 1.6)),
    Gap("no gap", 2000, (0.5, 0.5), (1.5, 1.5), (1.6, 1.6)),
    Gap("five groups, no gap", 4000, (0.2,) * 5, (1.5,) * 5, (1.5,) * 5),
    Gap("five groups, a gap opens", 4000, (0.4, 0.3, 0.15, 0.1, 0.05), (1.5,) * 5, (1.6, 1.6, 1.6, 1.6, 1.2)),
    Gap("small groups", 500, (0.7, 0.3), (1.5, 1.3), (1.6, 1.4)),
]


@pytest.mark.parametrize("gap", [GAPS[0], GAPS[3]], ids=lambda gap: gap.name)
def test_the_change_in_gap_is_held_in_a_small_simulation(gap: Gap) -> None:
    trusted, share = gap_coverage(gap, 150, seed=1)
    assert trusted == 150
    assert share > 0.90 - TOLERANCE - 4 * 0.025  # four Monte-Carlo standard errors


@pytest.mark.prove
@pytest.mark.parametrize("gap", GAPS, ids=lambda gap: gap.name)
def test_the_change_in_gap_is_held_as_often_as_it_says(gap: Gap, show: Callable[[str], None]) -> None:
    """Where groups lie so close that the engine calls its interval cautious, it may cover more, never less."""
    for pairs, seed in ((2000, 1), (20_000, 2)):
        trusted, share = gap_coverage(gap, pairs, seed)
        show(f"change in gap: {gap.name:26s} {trusted} of {pairs} compared, 90 %: {share:.4f}")
        strays = share < 0.90 - TOLERANCE or (share > 0.90 + TOLERANCE and gap.name.startswith("clear"))
        if not strays:
            break
    assert not strays
