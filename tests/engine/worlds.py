"""Run directories made to order: two models on the same rows, with a known difference between them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Review = Callable[..., dict[str, Any]]

POLICY = """schema = "model-review/policy@1"
[objective]
metric = "roc_auc"
min_effect = 0.002
why = "Ranking decides who is called first."
[[guardrail]]
metric = "log_loss"
margin = 0.01
why = "Probabilities feed the budget."
[[floor]]
metric = "roc_auc"
min = 0.6
why = "Below this a list in random order is as good."
[slices]
metric = "log_loss"
margin = 0.05
columns = ["region"]
why = "No group may pay for another group's gain."
"""

CONTRACT = """kind: DataContract
apiVersion: v3.2.0
schema:
  - name: table
    properties:
      - {name: amount, logicalType: number, customProperties: [{property: roles, value: [feature]}]}
      - {name: region, logicalType: string, customProperties: [{property: roles, value: [feature, slice]}]}
      - {name: sex, logicalType: string, customProperties: [{property: roles, value: [feature, sensitive]}]}
      - {name: paid_back, logicalType: number, customProperties: [{property: roles, value: [forbidden]}]}
      - {name: y, logicalType: string, customProperties: [{property: roles, value: [target]}]}
"""

REGIONS = ("east", "north", "south", "west")


@dataclass
class World:
    """The rows that both models answer, and the noise that they share."""

    rows: int = 4000
    share: float = 0.3
    seed: int = 0
    truth: NDArray[np.int64] = field(init=False)
    region: NDArray[np.str_] = field(init=False)
    common: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        self.truth = (rng.random(self.rows) < self.share).astype(int)
        self.region = rng.choice(REGIONS, self.rows)
        self.common = rng.normal(size=self.rows)

    def score(self, skill: float, seed: int, noise: float = 0.3) -> NDArray[np.float64]:
        """Calibrated scores of a model of that skill, correlated with the other models' of this world."""
        own = np.random.default_rng([self.seed, seed]).normal(size=self.rows)
        signal = self.truth * skill + np.sqrt(1 - noise**2) * self.common + noise * own
        logit = skill * signal - skill**2 / 2 + np.log(self.share / (1 - self.share))
        return np.asarray(1 / (1 + np.exp(-logit)))

    def frame(self, score: NDArray[np.float64]) -> pd.DataFrame:
        """Predictions as a run writes them."""
        labels = np.array(["no", "yes"])
        return pd.DataFrame(
            {
                "row_id": [f"{row:020x}-0" for row in range(self.rows)],
                "scenario": "test",
                "y_true": labels[self.truth],
                "y_pred": labels[(score >= 0.4).astype(int)],
                "score": score,
                "slice:region": self.region,
                "slice:sex": np.where(np.arange(self.rows) % 2, "f", "m"),
            }
        )


def record(**changes: Any) -> dict[str, Any]:
    """A run.json that the engine accepts."""
    base: dict[str, Any] = {
        "schema": "model-review/run@1",
        "task": "binary",
        "target": "y",
        "classes": ["no", "yes"],
        "positive_class": "yes",
        "threshold": 0.4,
        "commit": "a" * 40,
        "dirty": False,
        "data": {"path": "data/t.csv", "digest": "sha256:" + "1" * 64, "rows": 10},
        "contract_digest": "sha256:" + "2" * 64,
        "features": ["amount", "region", "sex"],
        "params": {"estimator": "linear", "linear.C": 1.0},
        "metrics": {},
        "baselines": {"dummy": {"roc_auc": 0.5}},
        "seed": 0,
        "threads": 1,
        "environment": {"python": "3.11.4", "platform": "linux", "libraries": {"numpy": "2.4.6"}, "lock_digest": None},
        "cost": {"train_seconds": 1.0, "evaluate_seconds": 0.1, "peak_memory_bytes": 1000},
        "model": {"path": "model/model.skops", "format": "skops", "bytes": 100, "digest": "sha256:" + "3" * 64},
        "tracking": None,
        "business_value": None,
        "warnings": [],
    }
    return {**base, **changes}


def write_run(
    directory: Path,
    predictions: pd.DataFrame,
    evaluation: pd.DataFrame | None = None,
    overlap: int = 0,
    csv: bool = False,
    contract: str | None = CONTRACT,
    **changes: Any,
) -> Path:
    """Write a run directory; `overlap` repeats that many evaluation rows among the training rows."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "run.json").write_text(json.dumps(record(**changes)))
    if contract is not None:
        (directory / "contract.yaml").write_text(contract)
    if csv:
        predictions.to_csv(directory / "predictions.csv", index=False)
    else:
        predictions.to_parquet(directory / "predictions.parquet", index=False)
    ids = list(predictions.loc[predictions["scenario"] == "test", "row_id"])
    train = [f"{row:020x}-0" for row in range(10_000_000, 10_000_100)]
    train += [name.replace("-0", "-1") for name in ids[:overlap]]
    part = ["evaluation"] * len(ids) + ["train"] * len(train)
    names = ids + train
    table = {"row_id": names, "part": part, "features_digest": [f"f{name}" for name in names], "label_digest": "l"}
    pd.DataFrame(table).to_parquet(directory / "rows.parquet", index=False)
    if evaluation is not None:
        evaluation.to_parquet(directory / "evaluation.parquet", index=False)
    return directory
