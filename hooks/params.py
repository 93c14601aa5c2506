"""Write `params.yaml`: what a training run may be told."""

from roles import Judged
from task import Task

SMALL_TABLE = 10_000  # rows below which trees learn slowly and stop early, or they learn the rows by heart


def params_text(task: Task, judged: Judged, rows: int) -> str:
    """Return the whole file; smaller and fewer trees for a table of few rows."""
    small = rows < SMALL_TABLE
    rate, trees, leaves, pull = (0.05, 100, 15, 1.0) if small else (0.1, 200, 31, 0.0)
    level_rows = max(2, min(10, rows // 50))
    leaf_rows = max(2, min(20, rows // 50))
    day = judged.evaluation_from
    by_time = f'"{day.isoformat()}"' if day else "null"
    regression = task.name == "regression"
    linear = "{alpha: 1.0}" if regression else "{C: 1.0}"
    search = "{alpha: [0.1, 1.0, 10.0]}" if regression else "{C: [0.1, 1.0, 10.0]}"
    threshold = "{metric: f1, folds: 3}" if task.name == "binary" else "null"
    return f"""\
# What a training run may be told. A changed value is a changed model: open a pull request with it.
seed: 0  # of everything that draws random numbers
split:
  evaluation_share: 0.2  # of the rows, chosen by a hash that stays the same as the table grows
  evaluation_from: {by_time}  # rows on or after this day are evaluated; used where a column has the role time
estimator: hist_gradient_boosting  # or linear, dummy
features:
  max_levels: 100  # a category keeps its most frequent levels, up to this many
  min_level_rows: {level_rows}  # and only those with at least so many training rows
threshold: {threshold}  # binary only: chosen on training folds to make this metric best
hist_gradient_boosting:
  learning_rate: {rate}  # how much each tree may correct
  max_iter: {trees}  # trees
  max_leaf_nodes: {leaves}  # leaves of a tree
  min_samples_leaf: {leaf_rows}  # rows that a leaf needs
  l2_regularization: {pull}  # pulls leaf values towards zero
linear: {linear}  # {"higher is smoother" if regression else "lower is smoother"}
tune:
  candidates: 20  # settings that are tried
  folds: 3  # of the training rows
  space:  # what is tried
    hist_gradient_boosting:
      learning_rate: [0.03, 0.1, 0.3]
      max_leaf_nodes: [15, 31, 63]
      min_samples_leaf: [10, 20, 50]
      l2_regularization: [0.0, 1.0]
    linear: {search}
"""
