"""Do the intervals hold the truth as often as they say, wherever the engine does not say "too small to tell"?"""

import pytest
from simulation import LEVELS, TOLERANCE, Cell, coverage

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
def test_coverage_is_within_one_and_a_half_points(cell: Cell) -> None:
    tallies = coverage(cell, 2000, seed=1)
    strays = [name for name, tally in tallies.items() if tally.trusted >= 200 and tally.strays()]
    for name, tally in tallies.items():
        trusted = f"trusted {tally.trusted}"
        shares = " ".join(f"{level:.0%}: {tally.coverage(level):.4f}" for level in LEVELS) if tally.trusted else ""
        print(f"{cell.name:22s} {name:18s} {trusted:14s} {shares} {'again' if name in strays else ''}")
    if strays:
        again = coverage(cell, 20_000, seed=2, only=lambda name: name in strays)
        for name, tally in again.items():
            print(f"{cell.name:22s} {name:18s} 20,000 pairs: {[tally.coverage(level) for level in LEVELS]}")
            assert not tally.strays(), name
