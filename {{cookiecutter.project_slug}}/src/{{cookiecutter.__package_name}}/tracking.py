"""MLflow: what a run directory holds, sent to a tracking server or to a SQLite file in the project.

The run directory comes first. A server that is down loses nothing: `uv run train --log-only` sends the run later.
"""

import contextlib
import logging
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pandas as pd

from . import ROOT, model, rundir
from .contract import Contract, load_contract

SERVING = ("scikit-learn", "pandas", "skops")
LOGIN = re.compile(r"(?<=://)(?!/)\S*@")  # as the address of a server or of a database may hold it
FIGURES = ("mean_test_score", "std_test_score", "mean_fit_time")


def log(run_folder: Path) -> None:
    """Send a run directory to MLflow once and note that in its `run.json`; if it fails, warn and go on."""
    run, contract = rundir.read(run_folder), load_contract(run_folder / "contract.yaml")
    with _guarded("`uv run train --log-only` sends the run later"):
        mlflow = _open(contract.id)
        place = _public(mlflow.get_tracking_uri())
        if run["tracking"]:
            sent = f"attributes.run_id = '{run['tracking']['run_id']}'"
            if mlflow.search_runs(experiment_names=[contract.id], filter_string=sent, output_format="list"):
                print(f"logged to MLflow already: run {run['tracking']['run_id']} of {place}")
                return
        run["tracking"] = {"run_id": _send(mlflow, run_folder, run, contract), "uri": place}
        rundir.write_json(run_folder / "run.json", run)


@contextlib.contextmanager
def _guarded(advice: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # MLflow raises whatever its store, server or database driver raises
        reason = f"{type(error).__name__}: {_public(' '.join(str(error).split()))[:200]}"
        print(f"warning: not logged to MLflow ({reason}); {advice}", file=sys.stderr)


def _public(text: str) -> str:
    """A text without the user and password that an address in it may hold: `run.json` goes into the image."""
    return LOGIN.sub("", text)


def _open(experiment: str) -> Any:
    """MLflow, with its store and the experiment chosen."""
    server = urlsplit(os.environ.get("MLFLOW_TRACKING_URI", ""))
    if server.scheme in ("http", "https") and server.username is not None:
        # MLflow prints the address of each run as it got it, and takes a login from variables of its own just as well.
        os.environ["MLFLOW_TRACKING_USERNAME"] = unquote(server.username)
        os.environ["MLFLOW_TRACKING_PASSWORD"] = unquote(server.password or "")
        os.environ["MLFLOW_TRACKING_URI"] = server._replace(netloc=server.netloc.rpartition("@")[2]).geturl()
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    logging.getLogger("mlflow.utils.environment").setLevel(logging.ERROR)  # environments of uv hold no pip
    import mlflow

    local = not os.environ.get("MLFLOW_TRACKING_URI")
    if local:
        mlflow.set_tracking_uri(f"sqlite:///{ROOT / 'mlflow.db'}")
    if mlflow.get_experiment_by_name(experiment) is None:
        mlflow.create_experiment(experiment, artifact_location=(ROOT / "mlartifacts").as_uri() if local else None)
    mlflow.set_experiment(experiment)
    return mlflow


def _send(mlflow: Any, run_folder: Path, run: dict[str, Any], contract: Contract) -> str:
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.meta_dataset import MetaDataset

    fitted = model.load(run_folder / "model")
    digest = run["data"]["digest"].removeprefix("sha256:")
    with mlflow.start_run() as active:
        mlflow.log_params({_name(parameter): value for parameter, value in run["params"].items()})
        mlflow.log_metrics(run["metrics"])
        mlflow.log_metrics(pd.json_normalize({"baseline": run["baselines"]}).to_dict("records")[0])
        mlflow.set_tags({"commit": run["commit"] or "none", "dirty": run["dirty"], "data_digest": digest})
        mlflow.log_input(MetaDataset(CodeDatasetSource({}), contract.path, digest[:36]), context="training")
        for name in ("run.json", "contract.yaml", "params.yaml", "profile.json"):
            mlflow.log_artifact(str(run_folder / name))
        needs = [f"{name}=={run['environment']['libraries'][name]}" for name in SERVING]
        # The example gives the signature. In it every value is missing: no row of the table leaves the machine.
        example = fitted.columns({name: [None] for name in fitted.features.raw})
        described = {"input_example": example, "pip_requirements": needs}
        mlflow.sklearn.log_model(fitted.pipeline, name="model", skops_trusted_types=model.TRUSTED, **described)
    return active.info.run_id


def _name(parameter: str) -> str:
    """A name that MLflow takes: other signs, such as the first of the class `>50K`, by their number."""
    return re.sub(r"[^\w .:-]", lambda sign: f"_{ord(sign[0]):x}_", parameter)


def log_trials(experiment: str, trials: pd.DataFrame) -> None:
    """One MLflow run for a search, one child run per trial."""
    with _guarded("the table is printed all the same"):
        mlflow = _open(experiment)
        with mlflow.start_run(run_name="tune"):
            for trial in trials.to_dict("records"):
                with mlflow.start_run(run_name=f"round {trial['iter']}", nested=True):
                    mlflow.log_params(trial["params"] | {"rows": trial["n_resources"]})
                    mlflow.log_metrics({name: trial[name] for name in FIGURES})
