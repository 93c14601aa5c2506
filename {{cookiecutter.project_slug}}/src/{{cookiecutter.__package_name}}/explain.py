"""`uv run explain`: what moves the model, over the evaluation rows as plots, and for one row as a table."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from sklearn.inspection import PartialDependenceDisplay, permutation_importance
from tqdm import tqdm

from . import ROOT, InputError, command, metrics, model, rows
from .contract import load_contract

MOST_ROWS, BACKGROUND_ROWS, TOP = 2000, 200, 6


def outcome(fitted: model.Model, columns: pd.DataFrame) -> np.ndarray:
    """The number that is explained: the prediction, or the probability of the explained class."""
    predicted, probabilities = fitted.predict_columns(columns)
    return predicted if probabilities is None else probabilities[:, fitted.explained_class]


def explain_row(fitted: model.Model, columns: pd.DataFrame, row: int) -> pd.DataFrame:
    """How far each model column moves a row: its outcome less the mean outcome with other rows' values in that column.

    One column at a time: what two columns do together counts for both.
    """
    background = columns.sample(min(BACKGROUND_ROWS, len(columns)), random_state=0)
    this = columns.iloc[[row]]
    own, moves = float(outcome(fitted, this)[0]), []
    for name in tqdm(columns.columns, desc="explain", disable=None):
        others = this.loc[this.index.repeat(len(background))].assign(**{name: background[name].to_numpy()})
        moves.append(own - float(outcome(fitted, others).mean()))
    table = pd.DataFrame({"feature": columns.columns, "value": this.iloc[0].to_numpy(), "moves": moves})
    return table.sort_values("moves", key=np.abs, ascending=False, ignore_index=True)


def plot(fitted: model.Model, columns: pd.DataFrame, truth: np.ndarray, folder: Path) -> pd.DataFrame:
    """Write the importances (mean and spread over 5 shuffles) as table and plot, and the effect of the top columns."""
    complete = not fitted.classes or {*truth} == {*fitted.pipeline.classes_}
    score = metrics.SCORER[fitted.task] if complete else "accuracy"  # which alone does not need every class
    found = permutation_importance(fitted.pipeline, columns, truth, scoring=score, n_repeats=5, random_state=0)
    table = pd.DataFrame({"feature": columns.columns, "mean": found.importances_mean, "std": found.importances_std})
    table = table.sort_values("mean", ascending=False, ignore_index=True)
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "importances.csv", index=False)
    top, label = table.head(20).iloc[::-1], f"loss of {score} when the column is shuffled (line: SD over 5 shuffles)"
    top.plot.barh("feature", "mean", xerr="std", xlabel=label, ylabel="", legend=False, figsize=(8, 7))
    plt.savefig(folder / "importances.png", dpi=120, bbox_inches="tight")
    target = fitted.pipeline.classes_[0] if fitted.task == "multiclass" else None
    moving = table["feature"][table["mean"] > 0].head(TOP)  # a column without a value is not among them
    for number, name in enumerate(tqdm(moving, desc="plots", disable=None), start=1):
        known: pd.DataFrame = columns.dropna(subset=[name])
        if name in fitted.features.levels:
            options: dict[str, Any] = {"kind": "average", "categorical_features": [name]}
        else:  # quantiles: points stand where the values are, also where nearly all of them are equal
            points = np.unique(known[name].quantile(np.linspace(0, 1, 30)))
            options = {"kind": "both", "custom_values": {known.columns.get_loc(name): points}}
        drawn = PartialDependenceDisplay.from_estimator(
            fitted.pipeline, known, [name], target=target, subsample=50, **options
        )
        drawn.figure_.savefig(folder / f"effect-{number}.png", dpi=120, bbox_inches="tight")
    return table


@command.line(row={"metavar": "ID", "help": "row_id of an evaluation row (run/predictions.parquet), or `first`"})
def main(row: str | None) -> None:
    """What moves the model: plots, or one row as a table."""
    fitted, contract = model.load(ROOT / "run/model"), load_contract(ROOT / "run/contract.yaml")
    table = rows.saved(ROOT / "run/evaluation.parquet", contract, fitted.features.raw)
    columns, ids = fitted.columns(table.typed), table.rows["row_id"].tolist()
    if row is None:
        some = columns.sample(min(MOST_ROWS, len(columns)), random_state=0)
        importances = plot(fitted, some, table.truth[some.index], ROOT / "run/plots")
        print(f"{importances.head(20).to_string(index=False)}\nplots: {ROOT / 'run/plots'}")
        return
    if row not in ("first", *ids):
        raise InputError(f"{row!r} is no row_id of {ROOT / 'run/evaluation.parquet'}; take one from there")
    number = 0 if row == "first" else ids.index(row)
    what = f"probability of {fitted.classes[fitted.explained_class]!r}" if fitted.classes else "prediction"
    print(f"row {ids[number]}: {what} {outcome(fitted, columns.iloc[[number]])[0]:.6g}")
    print(explain_row(fitted, columns, number).to_string(index=False))
