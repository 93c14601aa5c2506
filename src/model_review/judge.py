"""Promote, hold or reject: from a comparison and a policy (read beside its contract), so all can compute it again."""

from model_review.comparison import Comparison
from model_review.comparison_details import Check
from model_review.errors import ReviewError
from model_review.policy import Policy
from model_review.rules import (
    bound_rules,
    cost_rules,
    floor_rules,
    group_rules,
    look_rule,
    objective_rule,
)
from model_review.settings import bounds
from model_review.verdict import Because, Decision, HoldReason, Verdict

HOLDS: dict[str, HoldReason] = {
    "not comparable": "not comparable",
    "no change": "no meaningful change",
    "not made": "a person must decide",
    "person": "a person must decide",
    "cannot tell": "test set too small",
}
ACTIONS: dict[str, str] = {
    "promote": "Merge, if you agree.",
    "reject": "Do not merge; mend what is marked as broken below, and push again.",
    "test set too small": "Do not merge on these numbers; label more rows, or make a change whose gain is larger.",
    "no meaningful change": "Merge for the code's sake if you like; quality speaks neither for nor against it.",
    "not comparable": "Mend what is named above and compare again; where it is meant, a person decides on merging.",
    "a person must decide": "Look at what is named above; merging is a person's decision.",
}


def judge(
    comparison: Comparison, policy: Policy, *, look: int | None = None, proposed_digest: str | None = None
) -> Verdict:
    """The verdict.

    Args:
        comparison: What was measured.
        policy: The base branch's policy, read for this task and target.
        look: The judge's own count of looks, where it keeps one; else the comparison's.
        proposed_digest: Digest of the policy that the pull request proposes: reported, never obeyed.
    """
    _check_levels(comparison, policy)
    count = comparison.settings.look if look is None else look
    because = [_check(one) for one in comparison.checks]
    if policy.another:
        because += _question(because, policy)
        verdict, hold = _decide(because)
    elif comparison.champion is None:
        because += floor_rules(comparison, policy)
        verdict, hold = _first_run(because, comparison, policy)
    else:
        if comparison.metrics or comparison.undefined:
            because += floor_rules(comparison, policy)
            because.append(objective_rule(comparison, policy))
            because += bound_rules(comparison, policy)
            because += group_rules(comparison, policy)
            because.append(look_rule(comparison, policy, count))
        because += cost_rules(comparison, policy)
        verdict, hold = _decide(because)
    reason = _reason(verdict, hold, because, comparison)
    return Verdict(
        verdict=verdict,
        reason=reason,
        next_action=ACTIONS[verdict if hold is None else hold],
        hold_reason=hold,
        because=because,
        look=count,
        planned_looks=policy.decision.planned_looks,
        alpha_look=policy.alpha_per_look,
        policy_digest=policy.digest,
        policy_changed=proposed_digest is not None and proposed_digest != policy.digest,
        fails=verdict in policy.decision.fail_on,
    )


def _check_levels(comparison: Comparison, policy: Policy) -> None:
    """Refuse a comparison that was made at other levels or margins than the policy asks for."""
    made, decision = comparison.settings, policy.decision
    row = comparison.metric(policy.objective.metric)
    wanted = bounds(policy, comparison.task, row.champion if row else None)
    pairs = [
        ("alpha", made.alpha, decision.alpha),
        ("planned_looks", made.planned_looks, decision.planned_looks),
        ("min_rows", made.min_rows, decision.min_rows),
    ]
    for name, found, asked in pairs:
        if found != asked:
            raise ReviewError(
                f"The comparison was made with {name} {found:g}, the policy says {asked:g}; compare again with it."
            )
    if made.bounds != wanted:
        other = next((one for one in wanted if one not in made.bounds), None)
        about = f" ({other.rule} {other.metric})" if other else ""
        raise ReviewError(f"The comparison was made at other bounds than the policy's{about}; compare again with it.")


def _check(one: Check) -> Because:
    return Because(rule=f"check {one.name}", status=one.status, detail=one.detail)


def _question(because: list[Because], policy: Policy) -> list[Because]:
    """Why nothing of the policy judges this model; said once, where no check says it already."""
    if any(one.status == "not comparable" for one in because):
        return []
    return [Because(rule="question", status="not comparable", detail=f"{policy.another} It is another question.")]


def _first_run(because: list[Because], comparison: Comparison, policy: Policy) -> tuple[Decision, HoldReason | None]:
    """No champion yet: floors and hard checks alone decide."""
    if any(one.status == "red" for one in because):
        return "reject", None
    if comparison.rows.compared < policy.decision.min_rows:
        because.append(_too_few(comparison, policy))
    elif any(one.status == "not comparable" for one in because):
        pass  # there is a champion, and it has no answers
    elif not policy.floors:
        detail = "This is the first run and the policy names no floor, so there is nothing to decide by."
        because.append(Because(rule="first run", status="person", detail=detail))
    else:
        because.append(
            Because(rule="first run", status="info", detail="There is no champion yet; floors alone decide.")
        )
    hold = _hold(because)
    return ("promote", None) if hold is None else ("hold", hold)


def _too_few(comparison: Comparison, policy: Policy) -> Because:
    detail = (
        f"{comparison.rows.compared:,} rows are fewer than the {policy.decision.min_rows:,} that the policy asks for."
    )
    return Because(rule="minimum rows", status="cannot tell", detail=detail)


def _decide(because: list[Because]) -> tuple[Decision, HoldReason | None]:
    if any(one.status == "red" for one in because):
        return "reject", None
    hold = _hold(because)
    return ("promote", None) if hold is None else ("hold", hold)


def _hold(because: list[Because]) -> HoldReason | None:
    """The first hold reason, in the order in which they outrank each other."""
    present = {one.status for one in because}
    return next((HOLDS[status] for status in HOLDS if status in present), None)


def _reason(verdict: Decision, hold: HoldReason | None, because: list[Because], comparison: Comparison) -> str:
    """The one sentence."""
    if verdict == "promote":
        if comparison.champion is None:
            return "First run: there is no champion yet, and every floor holds."
        objective = next(one for one in because if one.rule.startswith("objective"))
        return f"{objective.detail.rstrip('.')}; no guardrail, group or hard check stands against it."
    if verdict == "reject":
        return next(one for one in because if one.status == "red").detail
    deciding = next(status for status in HOLDS if any(one.status == status for one in because))
    detail = next(one for one in because if one.status == deciding).detail
    assert hold is not None
    return f"{hold[0].upper()}{hold[1:]}: {detail[0].lower() if detail[:2].istitle() else detail[0]}{detail[1:]}"
