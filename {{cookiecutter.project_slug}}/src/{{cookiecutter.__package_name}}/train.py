"""`uv run train`: from the table and params.yaml to a run directory."""

import argparse
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_curve, roc_curve
from sklearn.model_selection import cross_val_predict

from . import ROOT, artifact, command, export, metrics, model, rundir, tracking
from .command import InputError
from .contract import load_contract, load_params
from .evaluate import predictions
from .features import learn
from .rows import Table, evaluation_digest, load
from .scenarios import SCENARIOS


def fit(estimator: str, table: Table, classes: tuple[str, ...], params: dict[str, Any]) -> model.Model:
    """Fit an estimator on training rows; for two classes the threshold is chosen on training folds alone."""
    contract = table.contract
    features = learn(table.typed, contract, params["features"])
    columns = pd.DataFrame(features.columns(table.typed))
    pipeline = model.build(estimator, contract.task, features, columns, params)
    positive = str(contract.target.more["positiveClass"]) if contract.task == "binary" else None
    threshold = None
    if positive is not None:
        threshold = 0.5 if estimator == "dummy" else _threshold(pipeline, columns, table, positive, params)
    return model.Model(pipeline.fit(columns, table.truth), features, contract.task, classes, positive, threshold)


def _threshold(pipeline: Any, columns: pd.DataFrame, table: Table, positive: str, params: dict[str, Any]) -> float:
    """The probability at which the metric of params.yaml is best, over predictions made out of fold."""
    truth = table.truth == positive
    count = min(params["threshold"]["folds"], int(truth.sum()), int((~truth).sum()))
    if count < 2:
        return 0.5
    folds = table.folds(count, params["seed"]).split(columns, truth, table.groups)
    scores = cross_val_predict(pipeline, columns, truth, cv=list(folds), method="predict_proba")[:, -1]
    if params["threshold"]["metric"] == "f1":
        precision, recall, candidates = precision_recall_curve(truth, scores)
        quality = (2 * precision * recall / np.maximum(precision + recall, 1e-12))[:-1]
    else:
        false_positives, true_positives, candidates = roc_curve(truth, scores)
        quality, candidates = (true_positives - false_positives)[1:], candidates[1:]  # the first takes no row
    return float(candidates[int(np.argmax(quality))])


def train(out: Path) -> dict[str, Any]:
    """Train, evaluate and write the run directory; return the content of `run.json`."""
    rundir.check(out.absolute())
    contract, params = load_contract(ROOT / "contract.yaml"), load_params(ROOT / "params.yaml")
    table = load(ROOT / contract.path, contract, params["split"])
    training, testing = table.part("train"), table.part("evaluation")
    unlabelled = len(table.rows) - len(training.rows) - len(testing.rows)
    task = contract.task
    classes = () if task == "regression" else tuple(sorted({*training.truth, *testing.truth}))
    if min(len(training.rows), len(testing.rows)) == 0 or (classes and len(set(training.truth)) < 2):
        sizes = f"{len(training.rows)} training and {len(testing.rows)} evaluation rows"
        raise InputError(f"{contract.path}: {sizes}; both need rows, training two classes: change split in params.yaml")

    started = time.perf_counter()
    fitted = fit(params["estimator"], training, classes, params)
    trained = time.perf_counter()
    known = {"row_id": testing.rows["row_id"].to_numpy(), "y_true": testing.truth}
    scored = predictions(fitted, testing.typed, known, contract, params["seed"], SCENARIOS)
    found, warnings = metrics.score(fitted, scored)
    evaluated = time.perf_counter()
    baselines = {}
    for name in ("dummy", "linear"):
        simple = fit(name, training, classes, params)
        plain = predictions(simple, testing.typed, known, contract, params["seed"], ["test"])
        baselines[name] = metrics.score(simple, plain)[0]
    if unlabelled:
        warnings.append(f"{unlabelled} of {len(table.rows)} rows have no {contract.target.name!r} and were set apart")
    for column in contract.having("feature"):
        if "suspectedLeak" in column.more:
            why = column.more["suspectedLeak"]
            warnings.append(f"column {column.name!r} may be a leak: {why}; decide in contract.yaml")

    origin = rundir.origin()
    cost = {"train_seconds": trained - started, "evaluate_seconds": evaluated - trained}
    cost["peak_memory_bytes"] = origin.pop("peak_memory_bytes")
    data = {"path": contract.path, "digest": rundir.file_digest(ROOT / contract.path), "rows": len(table.rows)}
    data |= {"train_rows": len(training.rows), "evaluation_rows": len(testing.rows), "unlabelled_rows": unlabelled}
    data["evaluation_digest"] = evaluation_digest(known["row_id"])
    run: dict[str, Any] = {"schema": "model-review/run@1", "task": task, "target": contract.target.name}
    run |= {"classes": classes, "positive_class": fitted.positive_class, "threshold": fitted.threshold, **origin}
    run["data"] = data
    run |= {"contract_digest": rundir.file_digest(ROOT / "contract.yaml"), "features": fitted.features.raw}
    unread = {"tune"} if task == "binary" else {"tune", "threshold"}  # they determine no run
    choices = {section: value for section, value in params.items() if section not in unread}
    run |= {"params": pd.json_normalize(choices).to_dict("records")[0], "seed": params["seed"], "metrics": found}
    run |= {"baselines": baselines, "cost": cost, "tracking": None, "warnings": warnings}
    run["business_value"] = params.get("business_value")
    with rundir.new(out) as folder:
        model.save(fitted, folder / "model")
        export.write_example(folder / "model", testing, fitted.features.raw)
        form, why = export.export(fitted, testing.typed, folder / "model")
        size = sum(path.stat().st_size for path in (folder / "model").iterdir())
        run["model"] = {"path": "model", "format": form, "why": why, "bytes": size}
        run["model"]["digest"] = artifact.digest(folder / "model")
        for name in ("contract.yaml", "params.yaml"):
            shutil.copy(ROOT / name, folder / name)
        table.rows.to_parquet(folder / "rows.parquet", index=False)
        scored.to_parquet(folder / "predictions.parquet", index=False)
        testing.raw.assign(row_id=known["row_id"]).to_parquet(folder / "evaluation.parquet", index=False)
        rundir.write_json(folder / "profile.json", rundir.profile(training.typed, contract))
        rundir.write_json(folder / "run.json", run)
    return run


def main() -> None:
    """Entry point of `uv run train`."""
    parser = argparse.ArgumentParser(
        prog="train", description="Train, evaluate, write the run directory, log to MLflow."
    )
    parser.add_argument("--out", type=Path, default=ROOT / "run", help="run directory to write (default: run)")
    parser.add_argument("--log-only", action="store_true", help="only send an existing run directory to MLflow")
    given = parser.parse_args()

    def work() -> None:
        if not given.log_only:
            run = train(given.out)
            for warning in run["warnings"]:
                print(f"warning: {warning}", file=sys.stderr)
            rundir.show(run["metrics"])
        tracking.log(given.out)
        print(f"run directory: {given.out}")

    command.run(work)
