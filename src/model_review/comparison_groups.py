"""The parts of comparison.json that look below the whole, group by group: slices, fairness, perturbed rows.

Every name is a field of the published JSON Schema, in its order; that is why the fields of a difference are listed in
each model and not inherited.
"""

from typing import Literal

from model_review.comparison_basics import Count, Number, Part, Text

Known = Number | None
Family = Literal["gated", "explored"]
Status = Literal["worse", "better", "no worse", "cannot tell"]

# Part of a fairness row's note.
CAUTIOUS = "its groups are hardly told apart, so the interval is a cautious one"


class SliceRow(Part):
    """One group of rows. Gated p-values ask "worse than the margin?", explored ones "different at all?"."""

    column: Text
    value: Text
    n: Count
    metric: Text
    champion: Known
    challenger: Known
    delta: Known
    low: Known
    high: Known
    p_value: Known
    p_adjusted: Known
    family: Family
    status: Status
    fixed: Count | None
    broken: Count | None


class Reversal(Part):
    """Simpson's reversal: the whole says one thing and every group of a column the other."""

    column: Text
    metric: Text
    delta: Number
    groups: Count


class WeakSlice(Part):
    """A group found on one half of the rows and confirmed on the other."""

    where: Text
    n: Count
    metric: Text
    discovered: Number
    confirmed: Number
    p_adjusted: Number
    score: Number


class Group(Part):
    """One group of a sensitive column."""

    value: Text
    n: Count
    champion: Known
    challenger: Known


class FairnessRow(Part):
    """The gap between the groups of a sensitive column, for both models, and the change in the gap."""

    column: Text
    metric: Text
    groups: list[Group]
    gap_champion: Known
    gap_challenger: Known
    delta: Known
    low: Known
    high: Known
    p_value: Known
    p_adjusted: Known
    family: Family
    status: Literal["worse", "no worse", "cannot tell"]
    note: Text


class RobustnessRow(Part):
    """The metric on one scenario; `fall_*` is how far it falls from the unperturbed rows."""

    scenario: Text
    metric: Text
    champion: Known
    challenger: Number
    fall_champion: Known
    fall_challenger: Number
    delta: Known
    low: Known
    high: Known
    p_value: Known
    p_adjusted: Known
    family: Family
    status: Status
