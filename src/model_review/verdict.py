"""verdict.json, `model-review/verdict@1`: what to do and why."""

from typing import Any, Literal

from pydantic import Field

from model_review.comparison_basics import Number, Part, Text

Decision = Literal["promote", "hold", "reject"]
HoldReason = Literal["test set too small", "no meaningful change", "not comparable", "a person must decide"]
Status = Literal["green", "red", "cannot tell", "no change", "not made", "not comparable", "person", "info"]


class Because(Part):
    """One rule, how it came out, and the numbers in a sentence."""

    rule: Text
    status: Status
    detail: Text


class Verdict(Part):
    """The verdict. `because` lists every rule that was looked at, in the order in which they decide."""

    schema_: Literal["model-review/verdict@1"] = Field(alias="schema", default="model-review/verdict@1")
    verdict: Decision
    reason: Text
    next_action: Text
    hold_reason: HoldReason | None
    because: list[Because]
    look: int
    planned_looks: int
    alpha_look: Number
    policy_digest: Text
    policy_changed: bool
    fails: bool

    def to_json(self) -> dict[str, Any]:
        """Plain data for verdict.json."""
        return self.model_dump(mode="json", by_alias=True)
