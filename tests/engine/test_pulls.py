"""A row's pull is what leaving it out takes away, computed for all rows at once; here against leaving each one out."""

import numpy as np
import pytest
from simulation import Cell

from model_review.additive_draws import clusters
from model_review.metrics.answers import Answers
from model_review.metrics.catalog import Metric, metrics_of
from model_review.metrics.values import value
from model_review.paired import Design, compare_metric
from model_review.pull import pull

ROWS = 90
CELLS = [
    Cell("binary", ROWS),
    Cell("ties", ROWS, ties=True),
    Cell("three classes", ROWS, classes=3),
    Cell("numbers", ROWS, None),
]
KEPT_AS_PUBLISHED = ("auc", "macro_auc", "median")  # DeLong's placements; the spacing of order statistics


def cases() -> list[tuple[Cell, Metric]]:
    return [
        (cell, metric)
        for cell in CELLS
        for metric in metrics_of(cell.draw(np.random.default_rng(0), ROWS)[0].task)
        if metric.family not in KEPT_AS_PUBLISHED and (metric.name != "business_value" or cell.name == "binary")
    ]


def without(answers: Answers, row: int) -> Answers:
    return answers.take(np.arange(len(answers)) != row)


@pytest.mark.parametrize(("cell", "metric"), cases(), ids=lambda one: one.name)
def test_a_pull_is_what_leaving_the_row_out_takes_away(cell: Cell, metric: Metric) -> None:
    side = cell.draw(np.random.default_rng(0), ROWS)[0]
    left_out = np.array([value(metric, without(side, row)) for row in range(ROWS)])
    wanted = (ROWS - 1) * (left_out.mean() - left_out)
    assert pull(metric, side) == pytest.approx(wanted, abs=1e-8)


@pytest.mark.parametrize(("cell", "metric"), cases(), ids=lambda one: one.name)
def test_an_entity_is_left_out_as_a_whole(cell: Cell, metric: Metric) -> None:
    if metric.family == "average_precision":
        pytest.skip("its pulls are added up over an entity")
    first, second = cell.draw(np.random.default_rng(1), ROWS)
    entity = np.arange(ROWS) // 3
    kept = [entity != one for one in range(30)]
    wanted = [value(metric, second.take(rows)) - value(metric, first.take(rows)) for rows in kept]
    assert clusters(metric, first, second, entity).left_out() == pytest.approx(wanted, abs=1e-10)


def test_obuchowskis_error_is_delongs_where_every_entity_is_one_row() -> None:
    """Source: Obuchowski, Biometrics 1997, section 3: with one row per cluster her variance is DeLong's."""
    cell = Cell("binary", 2000)
    first, second = cell.draw(np.random.default_rng(2), 2000)
    metric = metrics_of("binary")[0]
    alone = compare_metric(metric, first, second, Design(None, 0))
    clustered = compare_metric(metric, first, second, Design(np.arange(2000), 0))
    assert clustered.se == pytest.approx(alone.se, rel=0.01)
    assert clustered.method.startswith("Obuchowski")
