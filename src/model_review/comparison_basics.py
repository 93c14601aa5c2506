"""The parts of comparison.json that the verdict starts from: sides, rows, levels, metrics, checks.

Every name is a field of the published JSON Schema. `delta` is challenger minus champion everywhere.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

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
