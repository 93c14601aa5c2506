"""What must hold for every pair of models, whatever their numbers."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worlds import Review, World, write_run

from model_review.metrics.answers import Answers, UndefinedMetric
from model_review.metrics.catalog import metrics_of
from model_review.paired import Design, compare_metric, repeats

LEVELS = (0.9, 0.9975)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Answers, Answers, Design]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = draw(st.integers(1, 120))
    task = draw(st.sampled_from(["binary", "multiclass", "regression"]))
    digits = draw(st.sampled_from([1, 2, 12]))
    entity = repeats(rng.integers(0, max(rows // 2, 1), rows)) if draw(st.booleans()) else None
    value = [rng.normal(size=rows).round(1) for _ in range(2)] if draw(st.booleans()) else [None, None]
    if task == "regression":
        truth = rng.poisson(3, rows).astype(float)
        numbers = [np.round(truth + rng.normal(size=rows), digits) for _ in range(2)]
        sides = [Answers("regression", truth, number, None, 0, value[k]) for k, number in enumerate(numbers)]
    else:
        classes = 2 if task == "binary" else 3
        codes = rng.integers(0, draw(st.integers(1, classes)), rows)
        sides = []
        for k in range(2):
            score = rng.dirichlet(np.ones(classes), rows)
            score[:, 0] = np.round(score[:, 0], digits)
            score[:, 1:] *= ((1 - score[:, 0]) / score[:, 1:].sum(axis=1))[:, None]
            shown = score[:, 1] if task == "binary" else score
            sides.append(Answers(task, codes, score.argmax(axis=1), shown, classes, value[k]))
    return sides[0], sides[1], Design(entity, draw(st.integers(0, 99)), 200)


SLOW = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@SLOW
@given(pairs())
def test_swapping_the_sides_negates_every_difference_and_interval(pair: tuple[Answers, Answers, Design]) -> None:
    first, second, design = pair
    for metric in metrics_of(first.task):
        try:
            there, back = compare_metric(metric, first, second, design), compare_metric(metric, second, first, design)
        except UndefinedMetric:
            continue
        assert there.delta == -back.delta, metric.name
        assert there.se == pytest.approx(back.se, rel=1e-9), metric.name
        for level in LEVELS:
            low, high = there.interval(level)
            assert (-high, -low) == pytest.approx(back.interval(level), rel=1e-9, abs=1e-12), metric.name
            assert low <= high, metric.name


@SLOW
@given(pairs())
def test_no_number_is_ever_nan_and_p_values_are_shares(pair: tuple[Answers, Answers, Design]) -> None:
    first, second, design = pair
    for metric in metrics_of(first.task):
        try:
            found = compare_metric(metric, first, second, design)
        except UndefinedMetric:
            continue
        numbers = [found.delta, found.se, found.p_value, *found.interval(0.9), found.p_below(0.0), found.p_below(0.3)]
        assert np.isfinite(numbers).all(), metric.name
        assert -1e-12 <= found.p_value <= 1 + 1e-12, metric.name
        assert 0 <= found.p_below(0.1) <= 1, metric.name


@SLOW
@given(pairs())
def test_a_model_against_itself_differs_by_nothing(pair: tuple[Answers, Answers, Design]) -> None:
    side, _, design = pair
    for metric in metrics_of(side.task):
        try:
            found = compare_metric(metric, side, side, design)
        except UndefinedMetric:
            continue
        assert found.delta == 0, metric.name
        low, high = found.interval(0.9)
        assert low <= 0 <= high, metric.name


@SLOW
@given(pairs())
def test_every_row_twice_leaves_the_difference_and_narrows_a_closed_forms_error_by_the_root_of_two(
    pair: tuple[Answers, Answers, Design],
) -> None:
    first, second, design = pair
    twice = np.tile(np.arange(len(first)), 2)
    closed = Design(None, design.seed, 0)
    for metric in metrics_of(first.task):
        try:
            once = compare_metric(metric, first, second, closed)
            doubled = compare_metric(metric, first.take(twice), second.take(twice), closed)
        except UndefinedMetric:
            continue
        assert doubled.delta == pytest.approx(once.delta, abs=1e-9), metric.name
        if metric.family == "rate":
            assert doubled.se == pytest.approx(once.se / np.sqrt(2), rel=1e-9)


@settings(deadline=None, max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.integers(0, 2**32 - 1))
def test_the_order_of_the_rows_changes_no_byte(review: Review, tmp_path: Path, order: int) -> None:
    world = World(rows=300)
    frames = [world.frame(world.score(skill, seed)) for skill, seed in ((1.0, 1), (1.2, 2))]
    review(write_run(tmp_path / "a", frames[0]), write_run(tmp_path / "b", frames[1]))
    first = (tmp_path / "out" / "comparison.json").read_bytes(), (tmp_path / "out" / "report.html").read_bytes()
    mixed = [frame.sample(frac=1, random_state=order) for frame in frames]
    review(write_run(tmp_path / "a", mixed[0]), write_run(tmp_path / "b", mixed[1]))
    again = (tmp_path / "out" / "comparison.json").read_bytes(), (tmp_path / "out" / "report.html").read_bytes()
    assert first == again
