"""`uv run train`: from the table and params.yaml to a run directory."""

import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.metrics import confusion_matrix_at_thresholds
from sklearn.model_selection import cross_val_predict

from . import ROOT, InputError, artifact, command, evaluate, export, metrics, model, rows, rundir, settings, tracking


def fit(estimator: str, table: rows.Table, classes: tuple[str, ...], params: dict[str, Any]) -> model.Model:
    """Fit an estimator on training rows; for two classes the threshold is chosen on training folds alone."""
    contract, positive, threshold = table.contract, None, None
    with model.options_of(estimator):
        learnt, columns, pipeline = model.build(estimator, table.typed, table.contract, params)
        if contract.task == "binary":
            positive = str(contract.target.more["positiveClass"])
            threshold = 0.5 if estimator == "dummy" else _threshold(pipeline, columns, table, positive, params)
        pipeline.fit(columns, table.truth)
    return model.Model(pipeline, learnt, contract.task, classes, positive, threshold)


def _threshold(pipeline: Any, columns: pd.DataFrame, table: rows.Table, positive: str, params: dict[str, Any]) -> float:
    """The probability at which the metric of params.yaml is best, over predictions made out of fold."""
    truth, folds = table.truth == positive, table.folds(params["threshold"]["folds"], params["seed"])
    if not folds:
        return 0.5
    scores = cross_val_predict(pipeline, columns, truth, cv=folds, method="predict_proba")[:, -1]
    tn, fp, fn, tp, candidates = confusion_matrix_at_thresholds(truth, scores)
    f1, balanced_accuracy = 2 * tp / (2 * tp + fp + fn), tp / (tp + fn) + tn / (tn + fp)
    quality = f1 if params["threshold"]["metric"] == "f1" else balanced_accuracy
    return float(candidates[quality.argmax()])


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

    parts = table.rows["part"].tolist()
    data = {"path": contract.path, "digest": rundir.file_digest(ROOT / contract.path), "rows": len(parts)}
    data |= {"train_rows": len(training.rows), "unlabelled_rows": parts.count("unlabelled")}
    unread = {"tune"} if contract.task == "binary" else {"tune", "threshold"}  # they determine no run
    choices = {section: value for section, value in params.items() if section not in unread}
    run: dict[str, Any] = {"schema": "model-review/run@1", "target": contract.target.name, "data": data}
    run |= {"params": pd.json_normalize(choices).to_dict("records")[0], "seed": params["seed"]}
    run |= {"business_value": params.get("business_value"), "tracking": None}
    run |= {"contract_digest": rundir.file_digest(ROOT / "contract.yaml"), **rundir.origin()}

    started = time.perf_counter()
    fitted = fit(params["estimator"], training, classes, params)
    run |= {field: getattr(fitted, field) for field in ("task", "classes", "positive_class", "threshold")}
    run |= {"features": fitted.features.raw, "cost": {"train_seconds": time.perf_counter() - started}}
    scored = evaluate.score(fitted, testing, run)
    run["baselines"] = {}
    for name in ("dummy", "linear"):
        simple = fit(name, training, classes, params)
        answers = evaluate.predictions(simple, testing, params["seed"], ["test"])
        run["baselines"][name] = metrics.score(simple, answers)[0]
    run["cost"]["peak_memory_bytes"] = rundir.peak_memory()
    if apart := parts.count("unlabelled"):
        run["warnings"].append(f"{apart} of {len(parts)} rows have no {contract.target.name!r} and were set apart")
    leaks = {c.name: c.more["suspectedLeak"] for c in contract.having("feature") if "suspectedLeak" in c.more}
    run["warnings"] += [f"column {name!r} may be a leak: {why}; decide in contract.yaml" for name, why in leaks.items()]
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


@command.line(
    out={"type": Path, "default": ROOT / "run", "help": "run directory to write (default: run)"},
    log_only={"action": "store_true", "help": "only send an existing run directory to MLflow"},
)
def main(out: Path, log_only: bool) -> None:
    """Train, evaluate, write the run directory, log to MLflow."""
    if not log_only:
        run = train(out)
        for warning in run["warnings"]:
            print(f"warning: {warning}", file=sys.stderr)
        print(pd.Series(run["metrics"]).to_string(float_format="%.6g"))
    tracking.log(out)
    print(f"run directory: {out}")
