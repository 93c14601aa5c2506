"""comparison.json, `model-review/comparison@1`: aggregates of two runs on the same rows, and nothing else.

Every name in it is a field of the published JSON Schema. `delta` is challenger minus champion everywhere.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model_review.errors import ReviewError
from model_review.metrics.catalog import Task
from model_review.run_record import first_problem

SCHEMA = "model-review/comparison@1"
Number = Annotated[float, Field(allow_inf_nan=False)]
Text = Annotated[str, Field(max_length=2000)]
Count = Annotated[int, Field(ge=0)]
Texts = Annotated[list[Text], Field(max_length=10_000)]


class Part(BaseModel):
    """A part of the comparison: nothing unknown, nothing that is not finite."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Side(Part):
    """What one side is."""

    key: Text
    commit: Text | None
    dirty: bool | None
    estimator: Text | None
    features: Texts
    data_digest: Text | None
    contract_digest: Text | None
    model_digest: Text | None
    model_format: Text | None
    lock_digest: Text | None
    python: Text | None
    platform: Text | None
    seed: int | None
    threshold: Number | None
    tracking: Text | None
    warnings: Texts


class Rows(Part):
    """Which rows were compared."""

    compared: Count
    only_champion: Count
    only_challenger: Count
    truth_changed: Count
    positives: Count | None
    classes: dict[Text, Count]
    entities: Count | None
    evaluation_digest: Text
    sketch: Annotated[str, Field(max_length=4000, pattern=r"^[0-9a-f]*$")] = ""


class Bound(Part):
    """One bound that the verdict reads: whose, at which level, against which margin."""

    rule: Literal["objective", "guardrail", "floor", "slices", "fairness", "robustness"]
    metric: Text
    level: Number | None
    margin: Number
    columns: Texts = []
    min_rows: Count | None = None


class Settings(Part):
    """What the comparison was made at; `judge` refuses a policy that says otherwise."""

    alpha: Number
    planned_looks: Annotated[int, Field(ge=1)]
    look: Annotated[int, Field(ge=1)]
    alpha_look: Number
    bound_alpha: Number
    min_rows: Count
    bounds: Annotated[list[Bound], Field(max_length=10_000)]
    policy_digest: Text
    contract_digest: Text | None
    seed: Count
    replicates: Count


class MetricRow(Part):
    """One metric on both sides. `low` and `high` are the ends of the interval of `delta` at `level`."""

    name: Text
    direction: Literal["higher", "lower"]
    champion: Number | None
    challenger: Number
    delta: Number | None
    low: Number | None
    high: Number | None
    level: Number | None
    strict_low: Number | None = None
    strict_high: Number | None = None
    strict_level: Number | None = None
    se: Number | None
    p_value: Number | None
    method: Text
    n: Count
    units: Count
    replicates: Count
    too_small: Texts = []
    notes: Texts = []


class Undefined(Part):
    """A metric without a value, and why."""

    name: Text
    reason: Text


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


class SliceRow(Part):
    """One group of rows. Gated p-values ask "worse than the margin?", explored ones "different at all?"."""

    column: Text
    value: Text
    n: Count
    metric: Text
    champion: Number | None
    challenger: Number | None
    delta: Number | None
    low: Number | None
    high: Number | None
    p_value: Number | None
    p_adjusted: Number | None
    family: Literal["gated", "explored"]
    status: Literal["worse", "better", "no worse", "cannot tell"]
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
    champion: Number | None
    challenger: Number | None


class FairnessRow(Part):
    """The gap between the groups of a sensitive column, for both models, and the change in the gap."""

    column: Text
    metric: Text
    groups: list[Group]
    gap_champion: Number | None
    gap_challenger: Number | None
    delta: Number | None
    low: Number | None
    high: Number | None
    p_value: Number | None
    p_adjusted: Number | None
    family: Literal["gated", "explored"]
    status: Literal["worse", "no worse", "cannot tell"]
    note: Text


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


class RobustnessRow(Part):
    """The metric on one scenario; `fall_*` is how far it falls from the unperturbed rows."""

    scenario: Text
    metric: Text
    champion: Number | None
    challenger: Number
    fall_champion: Number | None
    fall_challenger: Number
    delta: Number | None
    low: Number | None
    high: Number | None
    p_value: Number | None
    p_adjusted: Number | None
    family: Literal["gated", "explored"]
    status: Literal["worse", "better", "no worse", "cannot tell"]


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
    """What the pull request changed."""

    params: list[Change]
    environment: list[Change]
    features_added: Texts
    features_removed: Texts
    roles: Texts
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
    score_edges: list[Number] = []
    score_champion: list[Count] = []
    score_challenger: list[Count] = []
    importances: list[Change] = []


class Comparison(Part):
    """The whole comparison."""

    schema_: Literal["model-review/comparison@1"] = Field(alias="schema", default="model-review/comparison@1")
    engine: Text
    task: Task
    target: Text
    classes: Texts
    positive_class: Text | None
    currency: Text
    champion: Side | None
    challenger: Side
    identical: bool
    rows: Rows
    settings: Settings
    checks: list[Check]
    metrics: list[MetricRow]
    undefined: list[Undefined]
    power: Power | None
    flips: FlipCounts | None
    moves: Moves | None
    slices: list[SliceRow]
    reversals: list[Reversal]
    weak_slices: list[WeakSlice]
    fairness: list[FairnessRow]
    calibration: CalibrationPair | None
    robustness: list[RobustnessRow]
    baselines: list[BaselineRow]
    cost: list[CostRow]
    changes: Changes
    data: DataPart
    curves: Curves
    warnings: Texts

    def metric(self, name: str) -> MetricRow | None:
        """The row of that metric."""
        return next((row for row in self.metrics if row.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """Plain data for comparison.json."""
        return self.model_dump(mode="json", by_alias=True)


def parse_comparison(where: str, data: dict[str, Any]) -> Comparison:
    """Check a comparison that somebody else wrote; `where` names the file in the refusal."""
    if data.get("schema") != SCHEMA:
        raise ReviewError(f"{where}: field schema must be {SCHEMA}; this engine reads no other version.")
    try:
        return Comparison.model_validate(data)
    except (ValidationError, RecursionError) as error:
        raise ReviewError(f"{where}: {first_problem(error)}.") from None
