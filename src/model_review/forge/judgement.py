"""The pull request's claims, judged again under the base's rules: artifact bytes in, an answer out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from model_review.comparison import Comparison
from model_review.comparison_details import Check
from model_review.comparison_reader import parse_comparison
from model_review.errors import ReviewError
from model_review.figure import Interval, intervals_of
from model_review.files import parse_json
from model_review.forge.artifact import read_member
from model_review.forge.base import Base
from model_review.judge import judge
from model_review.ledger import Look, is_digest, look_number
from model_review.looks import look_of
from model_review.metrics.catalog import Task
from model_review.policy import Policy
from model_review.report.markdown import markdown_report
from model_review.settings import LEVEL
from model_review.text import plain

MEMBER = "comparison.json"
# Running a workflow again takes the same merge commit, and with it the same base.
RENEW = "Merge the base branch into this one (Update branch): the new run compares by its rules."
CheckName = Literal["predictions", "rows", "forbidden", "overlap", "leak"]
Outcome = Literal["judged", "withheld", "refused", "missing", "unchanged"]


@dataclass(frozen=True)
class Judged:
    """What the comment says. `why` is one sentence; `report` the Markdown where there is a verdict."""

    outcome: Outcome
    why: str
    report: str = ""
    verdict: str = ""
    look: Look | None = None
    counted: str = ""
    intervals: tuple[Interval, ...] = ()


def read_claims(archive: bytes) -> Comparison:
    """The comparison in the artifact, by the engine's own reader."""
    comparison = parse_comparison(MEMBER, parse_json(MEMBER, read_member(archive, MEMBER)))
    champion = comparison.champion
    digests = [comparison.challenger.key, comparison.rows.evaluation_digest, champion.key if champion else ""]
    if champion is not None and comparison.metrics and not all(map(is_digest, digests)):
        raise ReviewError(f"{MEMBER} names no digests of what it compared, so its looks cannot be counted.")
    return comparison


def review(
    archive: bytes, base_for: Callable[[Task, str], Base], proposed: str | None, time: str, guide: str, limit: int
) -> Judged:
    """Read, judge again and render; whatever is wrong with the artifact ends in a sentence.

    Args:
        archive: The artifact's bytes.
        base_for: Reads the base's rules for a model of that task and target.
        proposed: Digest of the policy at the pull request's head.
        time: When the look is made.
        guide: Where the reading guide stands.
        limit: The longest report.
    """
    try:
        comparison = read_claims(archive)
    except ReviewError as error:
        return Judged("refused", str(error))
    try:
        base = base_for(comparison.task, comparison.target)
    except ReviewError as error:
        if getattr(error, "status", None) is not None:  # GitHub failed, not the base's files
            raise
        return Judged("withheld", str(error))
    if base.policy is None:
        why = "The base branch has no policy, so there is nothing to judge by; once it is merged there, it judges."
        return Judged("withheld", why)
    if base.contract is not None and comparison.settings.contract_digest != base.contract.digest:
        why = "Judged under another contract: the base branch's contract changed since the run, or the run used its own"
        return Judged("withheld", f"{why}. {RENEW}")
    try:
        return _judged(comparison, base, base.policy, proposed, time, guide, limit)
    except ReviewError as error:
        return Judged("withheld", _other_policy(comparison.settings.policy_digest, base.policy, proposed, str(error)))
    # The engine writes comparisons that hang together; a forged one may break any assumption, and must not break us.
    except Exception as error:
        return Judged("refused", f"{MEMBER} contradicts itself ({type(error).__name__}).")


def _other_policy(claimed: str, policy: Policy, proposed: str | None, error: str) -> str:
    """Which policy the run judged by, as far as it can be told, and what to do."""
    if claimed == policy.digest:
        return f"Judged under another policy than the base branch's, which the run says it used. {error}"
    if claimed == proposed:
        which = "the run used the one at this branch's head; the base branch changed it since, or this branch did"
    else:
        which = "the base branch's changed since the run, or the run used one of its own"
    return f"Judged under another policy than the base branch's: {which}. {error} {RENEW}"


def _judged(
    comparison: Comparison, base: Base, policy: Policy, proposed: str | None, time: str, guide: str, limit: int
) -> Judged:
    _check_levels(comparison, policy)
    comparison = _with_own_checks(comparison, base)
    look = look_of(comparison, time)
    number = 1 if look is None or base.ledger is None else look_number(base.ledger, look)
    verdict = judge(comparison, policy, look=number, proposed_digest=proposed)
    counted = "there is no ledger branch yet, so this counts as the first look"
    if base.ledger is not None:
        counted = f"look {number} of {verdict.planned_looks} by the ledger"
    return Judged(
        "judged",
        f"{verdict.verdict}: {verdict.reason}",
        markdown_report(comparison, verdict, guide, limit),
        verdict.verdict,
        None if look is None else look.model_copy(update={"alpha": verdict.alpha_look}),
        counted,
        intervals_of(comparison),
    )


def _check_levels(comparison: Comparison, policy: Policy) -> None:
    """Each interval's own level, which the settings only announce."""
    strict = 1 - 2 * policy.alpha_per_look
    for row in comparison.metrics:
        if row.level not in (None, LEVEL) or row.strict_level not in (None, strict):
            raise ReviewError(f"{plain(row.name)} was compared at another level than the policy's; compare again.")


def _with_own_checks(comparison: Comparison, base: Base) -> Comparison:
    """Add what the comparison's own checks should have said: a forbidden column, a check or a champion left out."""
    found = {one.name for one in comparison.checks}
    expected: list[CheckName] = ["predictions", "forbidden", "overlap"]
    if comparison.champion is not None and comparison.metrics:
        expected += ["rows", "leak"]
    missing = [name for name in expected if name not in found]
    added = [Check(name=name, status="not made", detail=f"The comparison says nothing of {name}.") for name in missing]
    # Main has a policy, so a run that finds no champion says why it was not comparable.
    if comparison.champion is None and not any(one.status in ("red", "not comparable") for one in comparison.checks):
        added.append(Check(name="rows", status="not comparable", detail=_no_first_run(base)))
    forbidden = [] if base.contract is None else base.contract.having("forbidden")
    used = [name for name in comparison.challenger.features if name in forbidden]
    if used and not any(one.name == "forbidden" and one.status == "red" for one in comparison.checks):
        detail = f"The challenger uses {', '.join(map(plain, used[:5]))}, which the base's contract forbids."
        added.append(Check(name="forbidden", status="red", detail=detail))
    return comparison.model_copy(update={"checks": [*added, *comparison.checks]})


def _no_first_run(base: Base) -> str:
    looks = len(base.ledger or [])
    known = f", and its ledger holds {looks:,} look{'s' if looks > 1 else ''} at a champion" if looks else ""
    return (
        f"The run says that it is the first and has no champion, but the base branch has a policy{known}: main's model "
        f"was left out. {RENEW}"
    )
