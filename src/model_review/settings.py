"""The levels and margins that a comparison is made at, from the policy."""

from dataclasses import dataclass

from model_review.comparison_basics import Bound, Settings
from model_review.contract import Contract
from model_review.metrics.catalog import Task, find
from model_review.paired import REPLICATES
from model_review.policy import BOUND_ALPHA, Groups, Policy, min_effect

LEVEL = 1 - 2 * BOUND_ALPHA
TAIL_DRAWS = 10  # draws that should lie beyond the strictest bound, or its place would be noise


@dataclass(frozen=True)
class Rules:
    """What judges: the base's policy and contract, and how often this evaluation set was looked at before, plus 1."""

    policy: Policy
    contract: Contract | None
    look: int = 1


def bounds(policy: Policy, task: Task, champion_objective: float | None) -> list[Bound]:
    """Every bound that the verdict reads."""
    metric = find(task, policy.objective.metric)
    assert metric is not None
    strict = 1 - 2 * policy.alpha_per_look
    effect = min_effect(policy, metric, champion_objective)
    found = [Bound(rule="objective", metric=metric.name, level=strict, margin=effect)]
    found += [Bound(rule="guardrail", metric=one.metric, level=LEVEL, margin=one.margin) for one in policy.guardrails]
    for floor in policy.floors:
        limit = floor.min if floor.min is not None else floor.max
        assert limit is not None
        found.append(Bound(rule="floor", metric=floor.metric, level=None, margin=limit))
    if policy.slices is not None:
        found.append(_groups("slices", policy.slices))
    if policy.fairness is not None:
        found.append(_groups("fairness", policy.fairness))
    if policy.robustness is not None:
        rule = policy.robustness
        found.append(
            Bound(rule="robustness", metric=rule.metric, level=LEVEL, margin=rule.margin, columns=list(rule.scenarios))
        )
    return found


def _groups(rule: str, groups: Groups) -> Bound:
    return Bound.model_validate(
        {
            "rule": rule,
            "metric": groups.metric,
            "level": LEVEL,
            "margin": groups.margin,
            "columns": list(groups.columns),
            "min_rows": groups.min_rows,
        }
    )


def settings(rules: Rules, task: Task, champion_objective: float | None, seed: int) -> Settings:
    """What the comparison was made at."""
    policy = rules.policy
    return Settings(
        alpha=policy.decision.alpha,
        planned_looks=policy.decision.planned_looks,
        look=rules.look,
        alpha_look=policy.alpha_per_look,
        bound_alpha=BOUND_ALPHA,
        min_rows=policy.decision.min_rows,
        bounds=bounds(policy, task, champion_objective),
        policy_digest=policy.digest,
        contract_digest=rules.contract.digest if rules.contract else None,
        seed=seed,
        replicates=replicates(policy),
    )


def replicates(policy: Policy) -> int:
    """Draws enough for the strictest bound to be read from the draws."""
    return min(max(REPLICATES, round(TAIL_DRAWS / policy.alpha_per_look)), 20_000)
