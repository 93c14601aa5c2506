"""The rules of the verdict, one by one: each reads the comparison and says how it came out."""

import numpy as np

from model_review.comparison import Comparison
from model_review.comparison_basics import MetricRow
from model_review.comparison_groups import FairnessRow, RobustnessRow, SliceRow
from model_review.metrics.catalog import Metric, find
from model_review.policy import BOUND_ALPHA, Guardrail, Policy, min_effect
from model_review.statistics.multiplicity import holm
from model_review.statistics.power import rows_needed
from model_review.verdict import Because
from model_review.wording import about, error_of, level, number, p_of, signed, span


def _metric(comparison: Comparison, name: str) -> Metric:
    metric = find(comparison.task, name)
    assert metric is not None  # the policy was read for this task
    return metric


def _gain(row: MetricRow, low: float | None, high: float | None) -> tuple[float, float] | None:
    """The interval of the gain: positive is better."""
    if low is None or high is None:
        return None
    return (low, high) if row.direction == "higher" else (-high, -low)


def _missing(comparison: Comparison, name: str) -> str:
    why = next((one.reason for one in comparison.undefined if one.name == name), "it was not measured")
    return f"{name} has no value on these rows: {why}."


def _small(comparison: Comparison, policy: Policy, row: MetricRow) -> str | None:
    """Why no interval of this metric may decide here."""
    if comparison.rows.compared < policy.decision.min_rows:
        asked = policy.decision.min_rows
        return f"{comparison.rows.compared:,} rows are fewer than the {asked:,} that the policy asks for."
    return f"{row.name}: {row.too_small[0]}." if row.too_small else None


def objective_rule(comparison: Comparison, policy: Policy) -> Because:
    """Superiority of the objective, at this look's share of alpha."""
    name = policy.objective.metric
    rule, row = f"objective {name}", comparison.metric(name)
    if row is None:
        return Because(rule=rule, status="cannot tell", detail=_missing(comparison, name))
    if comparison.identical:
        detail = "Every prediction and score of the two models is the same."
        return Because(rule=rule, status="no change", detail=detail)
    bound, strict = _gain(row, row.low, row.high), _gain(row, row.strict_low, row.strict_high)
    if bound is None or strict is None or row.level is None or row.strict_level is None:
        return Because(rule=rule, status="cannot tell", detail=f"{name} was not compared.")
    small = _small(comparison, policy, row)
    if small is not None:
        return Because(rule=rule, status="cannot tell", detail=f"{small} {_power(comparison)}".strip())
    effect = min_effect(policy, _metric(comparison, name), row.champion)
    seen = f"{name} changes by {signed(row.delta, row.se)}"
    plain_span = f"{level(row.level)} interval {span(row.low, row.high, row.se)}"
    strict_span = f"{level(row.strict_level)} interval {span(row.strict_low, row.strict_high, row.se)}"
    if strict[0] > effect:
        better = f"{name} gets better by {number(abs(row.delta or 0.0), row.se)}"
        detail = f"{better} ({strict_span}), more than the {number(effect)} that counts."
        return Because(rule=rule, status="green", detail=detail)
    if -effect <= bound[0] and bound[1] <= effect:
        detail = f"{seen} ({plain_span}), inside the {number(effect)} either way that does not count."
        return Because(rule=rule, status="no change", detail=detail)
    if bound[1] < 0:
        worse = f"{name} gets worse by {number(abs(row.delta or 0.0), row.se)}"
        return Because(rule=rule, status="red", detail=f"{worse} ({plain_span}).")
    detail = f"{seen} ({strict_span}), which does not show a gain of more than {number(effect)}. {_power(comparison)}"
    return Because(rule=rule, status="cannot tell", detail=detail.strip())


def _power(comparison: Comparison) -> str:
    """What this test set could show."""
    power = comparison.power
    if power is None or power.mde <= power.min_effect:
        return ""
    text = f"These {comparison.rows.compared:,} rows can show a gain of {number(power.mde)}"
    if power.rows_needed is None:
        return f"{text}."
    return f"{text}; to show {number(power.effect)} takes about {about(power.rows_needed)} rows."


def floor_rules(comparison: Comparison, policy: Policy) -> list[Because]:
    """The challenger's own value against absolute floors."""
    found = []
    for floor in policy.floors:
        rule, row = f"floor {floor.metric}", comparison.metric(floor.metric)
        if row is None:
            detail = _missing(comparison, floor.metric)
            found.append(Because(rule=rule, status="cannot tell", detail=detail))
            continue
        limit = floor.min if floor.min is not None else floor.max
        assert limit is not None
        broken = row.challenger < limit if floor.min is not None else row.challenger > limit
        side = ("below" if floor.min is not None else "above") if broken else "within"
        detail = f"{floor.metric} of the challenger is {number(row.challenger)}, {side} the floor of {number(limit)}."
        found.append(Because(rule=rule, status="red" if broken else "green", detail=detail))
    return found


def bound_rules(comparison: Comparison, policy: Policy) -> list[Because]:
    """Non-inferiority of every guardrail."""
    return [_guardrail(comparison, policy, guardrail) for guardrail in policy.guardrails]


def _guardrail(comparison: Comparison, policy: Policy, guardrail: Guardrail) -> Because:
    rule, row = f"guardrail {guardrail.metric}", comparison.metric(guardrail.metric)
    if row is None:
        return Because(rule=rule, status="cannot tell", detail=_missing(comparison, guardrail.metric))
    if comparison.identical:
        return Because(rule=rule, status="green", detail=f"{guardrail.metric} does not change.")
    gain = _gain(row, row.low, row.high)
    small = _small(comparison, policy, row)
    if gain is None or row.level is None or small is not None:
        detail = small or f"{guardrail.metric} was not compared."
        return Because(rule=rule, status="cannot tell", detail=detail)
    seen = f"{guardrail.metric} changes by {signed(row.delta, row.se)} ({level(row.level)} interval "
    seen += f"{span(row.low, row.high, row.se)})"
    margin = number(guardrail.margin)
    if gain[0] >= -guardrail.margin:
        return Because(rule=rule, status="green", detail=f"{seen}, within the margin of {margin}.")
    if gain[1] < -guardrail.margin:
        return Because(rule=rule, status="red", detail=f"{seen}, worse by more than the margin of {margin}.")
    rows = rows_needed(row.n, row.se, BOUND_ALPHA, guardrail.margin) if row.se else None
    needed = f" A change of 0 would be shown to lie within it on about {about(rows)} rows." if rows else ""
    return Because(
        rule=rule, status="cannot tell", detail=f"{seen}, not shown to lie within the margin of {margin}.{needed}"
    )


def group_rules(comparison: Comparison, policy: Policy) -> list[Because]:
    """Slices, fairness and robustness: nothing may be shown worse beyond its margin."""
    found = []
    if policy.slices is not None:
        slices = [row for row in comparison.slices if row.family == "gated"]
        present = [row.column for row in comparison.slices]
        found += _family("slices", slices, list(policy.slices.columns), present, policy.slices.margin)
    if policy.fairness is not None:
        gaps = [row for row in comparison.fairness if row.family == "gated"]
        present = [row.column for row in gaps]
        found += _family("fairness", gaps, list(policy.fairness.columns), present, policy.fairness.margin)
    if policy.robustness is not None:
        scenarios = [row for row in comparison.robustness if row.family == "gated"]
        present = [row.scenario for row in scenarios]
        found += _family("robustness", scenarios, list(policy.robustness.scenarios), present, policy.robustness.margin)
    return found


GroupRow = SliceRow | FairnessRow | RobustnessRow


def _family(
    rule: str,
    rows: "list[SliceRow] | list[FairnessRow] | list[RobustnessRow]",
    wanted: list[str],
    present: list[str],
    margin: float,
) -> list[Because]:
    absent = [name for name in wanted if name not in present]
    found = [
        Because(rule=rule, status="not made", detail=f"{name} is gated and is not in the predictions of both sides.")
        for name in absent
    ]
    tests = [row.p_value for row in rows if row.p_value is not None]
    adjusted = iter(holm(np.array(tests)))
    worse = []
    for row in rows:
        p_value = None if row.p_value is None else float(next(adjusted))
        if p_value is not None and p_value < BOUND_ALPHA and row.status == "worse":
            worse.append((p_value, row))
    for p_value, row in sorted(worse, key=lambda item: item[0]):
        error = error_of(row.low, row.high)
        detail = f"{_named(row)} is shown worse: {row.metric} changes by {signed(row.delta, error)}"
        detail += (
            f" (90 % interval {span(row.low, row.high, error)}, margin {number(margin)}, adjusted p {p_of(p_value)})."
        )
        found.append(Because(rule=rule, status="red", detail=detail))
    unsure = sum(row.status == "cannot tell" for row in rows)
    if not worse and not absent:
        detail = f"None of {len(rows)} gated is shown worse by more than {number(margin)}"
        detail += f"; of {unsure} the test set cannot tell." if unsure else "."
        found.append(Because(rule=rule, status="green", detail=detail))
    return found


def _named(row: GroupRow) -> str:
    if isinstance(row, SliceRow):
        return f"The slice {row.column} = {row.value} ({row.n:,} rows)"
    if isinstance(row, FairnessRow):
        return f"The gap between the groups of {row.column}"
    return f"The scenario {row.scenario}"


def cost_rules(comparison: Comparison, policy: Policy) -> list[Because]:
    """Cost limits: what they break is for a person to weigh."""
    found = []
    for name, limit in policy.cost.items():
        row = next((row for row in comparison.cost if row.name == name), None)
        if row is None or row.ratio is None:
            found.append(Because(rule=f"cost {name}", status="info", detail=f"{name} is not known on both sides."))
            continue
        detail = f"{name} is {number(row.ratio)} times the champion's; the limit is {number(limit)}."
        found.append(Because(rule=f"cost {name}", status="person" if row.ratio > limit else "green", detail=detail))
    return found


def look_rule(comparison: Comparison, policy: Policy, look: int) -> Because:
    """Whether this evaluation set may still promote."""
    planned = policy.decision.planned_looks
    if look > planned:
        detail = (
            f"This evaluation set was planned for {planned} looks and this is look {look}: it is used up and promotes "
            "nothing more. Renew it: let newly labelled rows become the evaluation set, or move the split's date."
        )
        return Because(rule="looks", status="person", detail=detail)
    detail = (
        f"Look {look} of {planned} on this evaluation set, each at a one-sided alpha of {policy.alpha_per_look:.3g}."
    )
    return Because(rule="looks", status="green", detail=detail)
