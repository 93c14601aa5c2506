"""`uv run tune`: search for better parameters on the training rows alone; evaluation rows are never looked at."""

import json
import math
from typing import Any

import numpy as np
import pandas as pd
import yaml
from ruamel.yaml import YAML
from sklearn.experimental import enable_halving_search_cv  # noqa: F401  # the next import needs it
from sklearn.model_selection import HalvingRandomSearchCV

from . import ROOT, InputError, command, metrics, model, rows, settings, tracking


def tune(jobs: int) -> tuple[str, pd.DataFrame, dict[str, Any]]:
    """Successive halving (Jamieson and Talwalkar 2016) over the space of params.yaml.

    Returns:
        The estimator's name, all trials (last round and best first) and the winner's parameters.
    """
    contract, params = settings.load(ROOT)
    name, plan = params["estimator"], params.get("tune") or {}
    if not plan.get("space", {}).get(name):
        raise InputError(f"params.yaml: tune.space has no values to try for {name}; add them, or change the estimator")
    space = {f"estimator__{option}": values for option, values in plan["space"][name].items()}
    table = rows.load(ROOT / contract.path, contract, params["split"]).part("train")
    folds, size = table.folds(plan["folds"], params["seed"]), len(table.rows)
    if not folds:
        raise InputError(f"{contract.path}: a class has too few training rows, or entities, for two folds; add rows")
    rarest = int(np.unique(table.labels, return_counts=True)[1].min())
    least = min(max(size // 9, 100, 20 * size // rarest), size)  # every class is in every fold
    options = {"n_candidates": min(plan["candidates"], math.prod(map(len, space.values()))), "min_resources": least}
    options |= {"scoring": metrics.SCORER[contract.task], "random_state": params["seed"], "n_jobs": jobs, "verbose": 1}
    with model.options_of(name):
        _, columns, pipeline = model.build(name, table.typed, table.contract, params)
        search = HalvingRandomSearchCV(pipeline, space, cv=folds, **options).fit(columns, table.truth)
    trials = pd.DataFrame(search.cv_results_).sort_values(["iter", "mean_test_score"], ascending=False)
    if not math.isfinite(search.best_score_):
        raise InputError("no setting could be scored; change tune.space or tune.folds in params.yaml")
    tracking.log_trials(contract.id, trials)
    shown = trials.filter(regex="^(iter|n_resources|param_.*|(mean|std)_test_score)$")
    shown = shown.rename(columns=lambda title: title.removeprefix("param_estimator__"))
    return name, shown, {option.removeprefix("estimator__"): value for option, value in search.best_params_.items()}


def write_winner(name: str, winner: dict[str, Any]) -> None:
    """Put the winner into the estimator's section of params.yaml; comments and all other values stay."""
    path, form = ROOT / "params.yaml", YAML()
    form.preserve_quotes, form.width = True, 4096
    document = form.load(path)
    # PyYAML, which reads the file, takes 1e-05 for text and 1.0e-05 for a number: so the values are in its spelling.
    document[name] = document.get(name) or {}
    document[name].update(form.load(yaml.safe_dump(winner)))
    beside = path.with_name(".params.yaml.new")
    form.dump(document, beside)
    beside.replace(path)


@command.line(
    jobs={"type": int, "default": -1, "help": "processes (default: all cores)"},
    write={"action": "store_true", "help": "write the winner to params.yaml"},
)
def main(jobs: int, write: bool) -> None:
    """Search parameters on the training rows alone."""
    name, trials, winner = tune(jobs)
    print(f"{trials.to_string(index=False)}\nwinner: {json.dumps(winner)}")
    if write:
        write_winner(name, winner)
        print("written to params.yaml; `uv run train` uses it")
