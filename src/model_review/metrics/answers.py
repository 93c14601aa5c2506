"""One model's answers to the evaluation rows, as plain arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model_review.metrics.catalog import Task

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


class UndefinedMetric(ValueError):
    """The metric has no value on these rows; the message says why in one sentence."""


@dataclass(frozen=True)
class Answers:
    """What one model said, and what was true.

    Attributes:
        task: The task.
        truth: Class codes (binary: 1 is the positive class) or numbers.
        predicted: Class codes or numbers.
        score: Binary: probability of the positive class. Multiclass: one column per class. Regression: None.
        classes: Number of classes; 0 for regression.
        value: Business value of each answer, where the project gives one.
    """

    task: Task
    truth: NDArray[np.generic]
    predicted: NDArray[np.generic]
    score: Floats | None
    classes: int
    value: Floats | None = None

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.truth)

    def take(self, rows: NDArray[np.generic]) -> "Answers":
        """The answers to some rows (a mask or positions)."""
        return Answers(
            self.task,
            self.truth[rows],
            self.predicted[rows],
            None if self.score is None else self.score[rows],
            self.classes,
            None if self.value is None else self.value[rows],
        )

    def scores(self) -> Floats:
        """The scores; refuses where the model gave none."""
        if self.score is None:
            raise UndefinedMetric("the predictions hold no score")
        return self.score
