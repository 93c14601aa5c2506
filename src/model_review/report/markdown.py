"""report.md: the comment. The verdict, then the evidence in a fixed order; rendered shorter where it grows."""

from collections.abc import Callable

from model_review.comparison import Comparison
from model_review.report import group_sections, sections
from model_review.report.escape import text
from model_review.verdict import Verdict

LIMIT = 60_000
MARKS = {"promote": "\u2705 Promote", "hold": "\u23f8\ufe0f Hold", "reject": "\u274c Reject"}
GUIDE = "docs/reading-a-report.md"

Section = Callable[[Comparison, Verdict, int], str]
SECTIONS: tuple[Section, ...] = (
    sections.objective,
    sections.guardrails,
    sections.power,
    group_sections.slices,
    sections.flips,
    sections.data,
    sections.cost,
    sections.changed,
    sections.reproduce,
)


def markdown_report(comparison: Comparison, verdict: Verdict, guide: str = GUIDE, limit: int = LIMIT) -> str:
    """The report, in the fullest rendering that fits a comment. Tier 0 holds everything, tier 3 the least."""
    if _silent(comparison):
        what = sections.kinds(sections.known_changes(comparison.changes))
        changed = f" What changed{what}." if what else ""
        silent = f"**{MARKS[verdict.verdict]}.** {text(verdict.reason)}{changed} {text(verdict.next_action)}"
        return "\n\n".join([silent, *_warnings(comparison)]) + "\n"
    for tier in range(3):
        report = _render(comparison, verdict, guide, tier)
        if len(report) <= limit:
            return report
    head = "\n\n".join([_head(verdict), *_warnings(comparison)])
    return head + "\n\nThe evidence is too long for a comment; it is in report.html and comparison.json.\n"


def _silent(comparison: Comparison) -> bool:
    """Neither model nor data changed, and no check has anything to say."""
    quiet = all(check.status == "green" for check in comparison.checks)
    changes = comparison.changes
    moved = changes.features_added or changes.features_removed or changes.roles or changes.params
    return comparison.identical and quiet and comparison.data.same is not False and not moved


def _head(verdict: Verdict) -> str:
    lines = [f"## {MARKS[verdict.verdict]}", "", text(verdict.reason), "", f"**Next:** {text(verdict.next_action)}"]
    if verdict.policy_changed:
        lines += [
            "",
            "\u26a0\ufe0f This pull request changes the policy. The base branch's policy judged it, not the new one.",
        ]
    return "\n".join(lines)


def _warnings(comparison: Comparison) -> list[str]:
    """What a person has to know before the numbers; any more stand with how to reproduce them."""
    lines = [f"- \u26a0\ufe0f {text(one, 500)}" for one in comparison.warnings[: sections.LOUD]]
    return ["\n".join(lines)] if lines else []


def _render(comparison: Comparison, verdict: Verdict, guide: str, tier: int) -> str:
    parts = [_head(verdict), *_warnings(comparison), *(section(comparison, verdict, tier) for section in SECTIONS)]
    parts.append(f"<sub>What each number means: [reading a report]({guide}).</sub>")
    return "\n\n".join(part for part in parts if part) + "\n"
