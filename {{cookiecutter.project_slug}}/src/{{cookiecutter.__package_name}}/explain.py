"""`uv run explain`: what moves the model, over the evaluation rows as plots, and for one row as a table."""

from pathlib import Path

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
    score = metrics.SCORER[fitted.task]
    if fitted.classes and {*truth} != {*fitted.pipeline.classes_}:
        score = "accuracy"  # the others need every class in training and in evaluation
    found = permutation_importance(fitted.pipeline, columns, truth, scoring=score, n_repeats=5, random_state=0)
    table = pd.DataFrame({"feature": columns.columns, "mean": found.importances_mean, "std": found.importances_std})
    table = table.sort_values("mean", ascending=False, ignore_index=True)
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "importances.csv", index=False)
    top, label = table.head(20).iloc[::-1], f"loss of {score} when the column is shuffled (line: SD over 5 shuffles)"
    top.plot.barh("feature", "mean", xerr="std", xlabel=label, ylabel="", legend=False, figsize=(8, 7))
    plt.savefig(folder / "importances.png", dpi=120, bbox_inches="tight")
    target = fitted.pipeline.classes_[0] if fitted.task == "multiclass" else None
    for number, name in enumerate(tqdm(table["feature"].head(TOP), desc="plots", disable=None), start=1):
        category = name in fitted.features.levels
        options = {"kind": "average", "categorical_features": [name]} if category else {"kind": "both"}
        drawn = PartialDependenceDisplay.from_estimator(
            fitted.pipeline, columns, [name], target=target, subsample=50, grid_resolution=30, **options
        )
        drawn.figure_.savefig(folder / f"effect-{number}.png", dpi=120, bbox_inches="tight")
    return table


@command.line(
    row={"metavar": "ID", "help": "row_id of an evaluation row (run/predictions.parquet), or `first`"},
    run={"type": Path, "default": ROOT / "run", "help": "run directory (default: run)"},
)
def main(row: str | None, run: Path) -> None:
    """What moves the model: plots, or one row as a table."""
    fitted, contract = model.load(run / "model"), load_contract(run / "contract.yaml")
    table = rows.saved(run / "evaluation.parquet", contract, fitted.features.raw)
    columns, ids = fitted.columns(table.typed), table.rows["row_id"].tolist()
    if row is None:
        some = columns.sample(min(MOST_ROWS, len(columns)), random_state=0)
        importances = plot(fitted, some, table.truth[some.index], run / "plots")
        print(f"{importances.head(20).to_string(index=False)}\nplots: {run / 'plots'}")
        return
    if row not in ("first", *ids):
        raise InputError(f"{row!r} is no row_id of {run / 'evaluation.parquet'}; take one from there")
    number = 0 if row == "first" else ids.index(row)
    what = f"probability of {fitted.classes[fitted.explained_class]!r}" if fitted.classes else "prediction"
    print(f"row {ids[number]}: {what} {outcome(fitted, columns.iloc[[number]])[0]:.6g}")
    print(explain_row(fitted, columns, number).to_string(index=False))
