"""`uv run tune`: search for better parameters on the training rows alone; evaluation rows are never looked at."""

import json
import math
import re
from typing import Any

import numpy as np
import pandas as pd
from sklearn.experimental import enable_halving_search_cv
from sklearn.model_selection import HalvingRandomSearchCV

from . import ROOT, features, metrics, model, rows, settings, tracking
from .command import InputError, line

__all__ = ["enable_halving_search_cv", "main", "tune"]


def tune(candidates: int | None, jobs: int) -> tuple[str, pd.DataFrame, dict[str, Any]]:
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
    learnt = features.learn(table.typed, contract, params["features"])
    columns, truth = pd.DataFrame(learnt.columns(table.typed)), table.truth
    rarest = len(truth) if contract.task == "regression" else int(pd.Series(truth).value_counts().min())
    if rarest < plan["folds"]:
        raise InputError(
            f"params.yaml: tune.folds is {plan['folds']}, but a class has {rarest} training rows; lower it"
        )
    folds = list(table.folds(plan["folds"], params["seed"]).split(columns, truth, table.groups))
    halving = {
        "n_candidates": min(candidates or plan["candidates"], math.prod(map(len, space.values()))),
        # a round needs rows of every class in every fold
        "min_resources": min(max(len(truth) // 9, 100, 20 * len(truth) // rarest), len(truth)),
    }
    options = {"scoring": metrics.SCORER[contract.task], "random_state": params["seed"], "n_jobs": jobs, "verbose": 1}
    with model.options_of(name):
        pipeline = model.build(name, contract.task, learnt, columns, params)
        search = HalvingRandomSearchCV(pipeline, space, cv=folds, **halving, **options).fit(columns, truth)
    trials = pd.DataFrame(search.cv_results_).sort_values(["iter", "mean_test_score"], ascending=False)
    if not np.isfinite(search.best_score_):
        raise InputError("no setting could be scored; change tune.space or tune.folds in params.yaml")
    tracking.log_trials(contract.id, trials)
    shown = trials.filter(regex="^(iter|n_resources|param_.*|(mean|std)_test_score)$")
    shown = shown.rename(columns=lambda title: title.removeprefix("param_estimator__"))
    return name, shown, {option.removeprefix("estimator__"): value for option, value in search.best_params_.items()}


def write_winner(name: str, winner: dict[str, Any]) -> None:
    """Put the winner into the estimator's section of params.yaml; comments and all other lines stay."""
    path = ROOT / "params.yaml"
    before, section, after = re.split(rf"(?m)(^{name}:.*\n(?:[ #].*\n)*)", path.read_text(encoding="utf-8"), maxsplit=1)
    for option, value in winner.items():
        section, count = re.subn(rf"\b{option}:[^,}}#\n]*?(?=\s*[,}}#\n])", f"{option}: {json.dumps(value)}", section)
        if not count:
            raise InputError(f"params.yaml: {name} has no {option}; add `{option}: {json.dumps(value)}` to it yourself")
    beside = path.with_name(".params.yaml.new")
    beside.write_text(before + section + after, encoding="utf-8")
    beside.replace(path)


@line(
    candidates={"type": int, "help": "parameter sets to try (default: tune.candidates in params.yaml)"},
    jobs={"type": int, "default": -1, "help": "processes (default: all cores)"},
    write={"action": "store_true", "help": "write the winner to params.yaml"},
)
def main(candidates: int | None, jobs: int, write: bool) -> None:
    """Search parameters on the training rows alone."""
    name, trials, winner = tune(candidates, jobs)
    print(f"{trials.to_string(index=False)}\nwinner: {json.dumps(winner)}")
    if write:
        write_winner(name, winner)
        print("written to params.yaml; `uv run train` uses it")
