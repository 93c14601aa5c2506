"""comparison.json, `model-review/comparison@1`: aggregates of two runs on the same rows, and nothing else."""

from typing import Any, Literal

from pydantic import Field

from model_review.comparison_basics import MetricRow, Part, Rows, Settings, Side, Text, Texts, Undefined
from model_review.comparison_details import (
    BaselineRow,
    CalibrationPair,
    Changes,
    Check,
    CostRow,
    Curves,
    DataPart,
    FlipCounts,
    Moves,
    Power,
)
from model_review.comparison_groups import FairnessRow, Reversal, RobustnessRow, SliceRow, WeakSlice
from model_review.metrics.catalog import Task


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
