"""`uv run train`: from the table and params.yaml to a run directory."""

import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_curve, roc_curve
from sklearn.model_selection import cross_val_predict

from . import ROOT, artifact, export, features, metrics, model, rows, rundir, settings, tracking
from .command import InputError, line
from .evaluate import SCENARIOS, predictions


def fit(estimator: str, table: rows.Table, classes: tuple[str, ...], params: dict[str, Any]) -> model.Model:
    """Fit an estimator on training rows; for two classes the threshold is chosen on training folds alone."""
    contract, positive, threshold = table.contract, None, None
    learnt = features.learn(table.typed, contract, params["features"])
    columns = pd.DataFrame(learnt.columns(table.typed))
    with model.options_of(estimator):
        pipeline = model.build(estimator, contract.task, learnt, columns, params)
        if contract.task == "binary":
            positive = str(contract.target.more["positiveClass"])
            threshold = 0.5 if estimator == "dummy" else _threshold(pipeline, columns, table, positive, params)
        pipeline.fit(columns, table.truth)
    return model.Model(pipeline, learnt, contract.task, classes, positive, threshold)


def _threshold(pipeline: Any, columns: pd.DataFrame, table: rows.Table, positive: str, params: dict[str, Any]) -> float:
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
    rundir.check(out)
    contract, params = settings.load(ROOT)
    table = rows.load(ROOT / contract.path, contract, params["split"])
    training, testing = table.part("train"), table.part("evaluation")
    classes = () if contract.task == "regression" else tuple(sorted({*training.truth, *testing.truth}))
    if min(len(training.rows), len(testing.rows)) == 0 or (classes and len(set(training.truth)) < 2):
        sizes = f"{len(training.rows)} training and {len(testing.rows)} evaluation rows"
        raise InputError(f"{contract.path}: {sizes}; both need rows, training two classes: change split in params.yaml")

    started = time.perf_counter()
    fitted = fit(params["estimator"], training, classes, params)
    trained = time.perf_counter()
    scored = predictions(fitted, testing, params["seed"], SCENARIOS)
    found, warnings = metrics.score(fitted, scored)
    evaluated = time.perf_counter()
    baselines = {}
    for name in ("dummy", "linear"):
        simple = fit(name, training, classes, params)
        baselines[name] = metrics.score(simple, predictions(simple, testing, params["seed"], ["test"]))[0]

    cost = {"train_seconds": trained - started, "evaluate_seconds": evaluated - trained}
    cost["peak_memory_bytes"] = rundir.peak_memory()
    data: dict[str, Any] = {f"{part}_rows": int((table.rows["part"] == part).sum()) for part in rows.PARTS}
    data |= {"path": contract.path, "digest": rundir.file_digest(ROOT / contract.path), "rows": len(table.rows)}
    data["evaluation_digest"] = rows.digest(testing.rows["row_id"])
    if unlabelled := data["unlabelled_rows"]:
        warnings.append(f"{unlabelled} of {len(table.rows)} rows have no {contract.target.name!r} and were set apart")
    leaks = {c.name: c.more["suspectedLeak"] for c in contract.having("feature") if "suspectedLeak" in c.more}
    warnings += [f"column {name!r} may be a leak: {why}; decide in contract.yaml" for name, why in leaks.items()]

    unread = {"tune"} if contract.task == "binary" else {"tune", "threshold"}  # they determine no run
    choices = {section: value for section, value in params.items() if section not in unread}
    chosen = {"params": pd.json_normalize(choices).to_dict("records")[0], "seed": params["seed"]}
    facts = {field: getattr(fitted, field) for field in ("task", "classes", "positive_class", "threshold")}
    facts |= {"target": contract.target.name, "features": fitted.features.raw}
    facts |= {"contract_digest": rundir.file_digest(ROOT / "contract.yaml"), "tracking": None}
    results = {"metrics": found, "baselines": baselines, "warnings": warnings, "cost": cost}
    run = {"schema": "model-review/run@1", **facts, **rundir.origin(), "data": data, **chosen, **results}
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
        testing.raw.assign(row_id=testing.rows["row_id"]).to_parquet(folder / "evaluation.parquet", index=False)
        rundir.write_json(folder / "profile.json", rundir.profile(training.typed, contract))
        rundir.write_json(folder / "run.json", run)
    return run


@line(
    out={"type": Path, "default": ROOT / "run", "help": "run directory to write (default: run)"},
    log_only={"action": "store_true", "help": "only send an existing run directory to MLflow"},
)
def main(out: Path, log_only: bool) -> None:
    """Train, evaluate, write the run directory, log to MLflow."""
    if not log_only:
        run = train(out)
        for warning in run["warnings"]:
            print(f"warning: {warning}", file=sys.stderr)
        rundir.show(run["metrics"])
    tracking.log(out)
    print(f"run directory: {out}")
