"""The parts of comparison.json beside the metrics: behaviour, data, cost, changes.

Every name is a field of the published JSON Schema.
"""

from typing import Literal

from pydantic import Field

from model_review.comparison_basics import Count, Number, Part, Text, Texts
from model_review.kinds import Kind


class FlipCounts(Part):
    """Rows that changed sides. `self_churn` is what another seed alone changes, where a re-seeded run is given."""

    fixed: Count
    broken: Count
    nfr: Number
    pfr: Number
    churn: Number
    trust: Number | None
    errors_kept: Number | None
    relative_nfr: Number | None
    self_churn: Number | None


class Moves(Part):
    """Regression: how far predictions moved."""

    median: Number
    p95: Number
    self_median: Number | None


class CalibrationBin(Part):
    """Rows of similar forecast."""

    forecast: Number
    observed: Number
    low: Number
    high: Number
    n: Count


class CalibrationSide(Part):
    """Calibration of one model. `ece` uses ten bins of equal mass; it is shown and never gated."""

    slope: Number | None
    intercept: Number | None
    brier: Number
    ece: Number
    bins: list[CalibrationBin]


class CalibrationPair(Part):
    """Calibration of both models."""

    champion: CalibrationSide | None
    challenger: CalibrationSide


class BaselineRow(Part):
    """What a simple model would score on the same rows."""

    name: Text
    metrics: dict[Text, Number]


class CostRow(Part):
    """One cost on both sides."""

    name: Text
    champion: Number | None
    challenger: Number | None
    ratio: Number | None


class Change(Part):
    """One thing that is not the same on both sides."""

    name: Text
    champion: Text | None
    challenger: Text | None


class Changes(Part):
    """What the pull request changed. `kinds` and `code` are null where nobody asked git."""

    params: list[Change]
    environment: list[Change]
    features_added: Texts
    features_removed: Texts
    roles: Texts
    kinds: list[Kind] | None
    lock: bool | None
    data: bool | None
    code: bool | None
    model: bool | None


class ColumnDrift(Part):
    """How far a column of the training data moved. `effect` is PSI; its interval comes first, the p second."""

    column: Text
    effect: Number
    low: Number
    high: Number
    missing_delta: Number
    p_value: Number
    p_adjusted: Number


class DataPart(Part):
    """What the pull request changed in the data."""

    same: bool | None
    columns_added: Texts
    columns_removed: Texts
    types_changed: Texts
    rows_added: Count | None
    rows_removed: Count | None
    rows_changed: Count | None
    labels_changed: Count | None
    rows_moved: Count | None
    overlap: Count | None
    champion_overlap: Count | None
    duplicates: Count | None
    columns: list[ColumnDrift]
    domain_auc: Number | None
    domain_low: Number | None
    domain_high: Number | None


class Power(Part):
    """Can this test set tell?"""

    metric: Text
    min_effect: Number
    mde: Number
    effect: Number
    rows_needed: Count | None
    discordance: Number | None


class Check(Part):
    """A hard check: green, red, or not made (which holds the pull request)."""

    name: Literal["predictions", "rows", "forbidden", "overlap", "leak", "schema"]
    status: Literal["green", "red", "person", "not comparable", "not made"]
    detail: Text


class Curve(Part):
    """A curve on a fixed grid, with the challenger's 95 % band."""

    grid: list[Number]
    champion: list[Number]
    challenger: list[Number]
    low: list[Number]
    high: list[Number]


class Curves(Part):
    """What the plots of report.html need."""

    roc: Curve | None = None
    pr: Curve | None = None
    score_edges: list[Number] = Field(default_factory=list)
    score_champion: list[Count] = Field(default_factory=list)
    score_challenger: list[Count] = Field(default_factory=list)
    importances: list[Change] = Field(default_factory=list)
