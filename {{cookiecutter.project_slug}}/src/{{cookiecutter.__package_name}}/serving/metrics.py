"""The service's Prometheus metrics: few names, and labels from the contract and the model alone.

Whatever path, field or label a caller invents is counted as "(other)". Several workers share one set of files, whose
folder BentoML names in PROMETHEUS_MULTIPROC_DIR.
"""

import functools
import itertools
import os
import threading
import time
from collections import Counter as Tally
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import prometheus_client as prometheus
from prometheus_client import multiprocess

from ..contract import Column, Contract

OTHER, MISSING, MOST_FEATURES, MOST_LEVELS = "(other)", "(missing)", 200, 20
# Counting costs by bin more than by row, and a request waits meanwhile: ten times a second, that is seen in the p99.
# More rows than these leave the processor's cache before they are counted.
EVERY, MANY = 1.0, 2000  # seconds, or rows
SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)

REQUESTS = prometheus.Counter("model_requests", "Requests by route and status.", ["route", "status"])
LATENCY = prometheus.Histogram("model_request_seconds", "From the request to its answer.", ["route"], buckets=SECONDS)
ROWS = prometheus.Counter("model_rows", "Rows predicted.")
VIOLATIONS = prometheus.Counter("model_violations", "Values that broke the contract, by field.", ["field"])
PREDICTIONS = prometheus.Counter("model_predictions", "Predicted labels.", ["label"])
SCORES = prometheus.Counter("model_scores", "Scores by bin: probability, or predicted number.", ["bin"])
VALUES = prometheus.Counter("model_feature_values", "Values by training bin or level, for drift.", ["feature", "bin"])
LOGGED = prometheus.Counter("model_log_lines", "Lines of the prediction log that were written.")
DROPPED = prometheus.Counter("model_log_dropped", "Lines of the prediction log that were lost.", ["reason"])
INFO = prometheus.Gauge("model_info", "The model served.", ["digest", "commit", "format"], multiprocess_mode="max")
# Looked up at each request or for each bin, and few.
requests, latency = functools.cache(REQUESTS.labels), functools.cache(LATENCY.labels)
_values, _scores, _predictions = (functools.cache(counter.labels) for counter in (VALUES, SCORES, PREDICTIONS))

KIND = b"text/plain; version=1.0.0; charset=utf-8"


def page() -> bytes:
    """All metrics of all workers, as text."""
    registry = prometheus.REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = prometheus.CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
    return prometheus.generate_latest(registry)


class Bins:
    """The bins of one column: from the profile of the training rows, so that a shift of their shares is drift."""

    def __init__(self, column: Column, profile: Mapping[str, Any]) -> None:
        """Deciles of numbers and dates; the most frequent levels of categories."""
        self.edges = np.array(profile.get("edges", []))
        top: Mapping[str, int] = {} if column.more.get("text") else profile.get("top", {})
        self.levels = {*sorted(top, key=lambda level: -top[level])[:MOST_LEVELS]}
        shown = ([f"{edge:.{digits}g}" for edge in self.edges] for digits in range(6, 18))
        ends = ["-Inf", *next(names for names in shown if len({*names}) == len(names)), "+Inf"]  # each bin its own name
        self.names = [f"{low} to {high}" for low, high in itertools.pairwise(ends)]

    def count(self, values: np.ndarray) -> Tally[str]:
        """How many values fall into each bin; None, NaN and NaT are missing."""
        given = values[np.not_equal(values, np.array(None)) if values.dtype == object else values == values]
        counts: Tally[str] = Tally({MISSING: len(values) - len(given)})
        if len(self.edges):  # dates are seconds since 1970 here, as in the profile
            places = np.searchsorted(self.edges, given.astype(float), side="right")
            sums = np.bincount(places, minlength=len(self.names))
            counts.update(dict(zip(self.names, sums.tolist(), strict=True)))
        elif self.levels:
            for value, number in Tally(given.tolist()).items():
                level = str(value)  # of a boolean "1.0" or "0.0", as in the profile
                counts[level if level in self.levels else OTHER] += number
        else:
            counts[OTHER] = len(given)
        return counts


class Drift:
    """Counts values, labels and scores of many requests at once."""

    def __init__(self, contract: Contract, features: Sequence[str], profile: Mapping[str, Any]) -> None:
        """Take the bins from the profile of the training rows."""
        columns = profile.get("columns", {})
        chosen = [column for column in contract.columns if column.name in features][:MOST_FEATURES]
        self._bins = {column.name: Bins(column, columns.get(column.name, {})) for column in chosen}
        self._scores, self._classes = Bins(contract.target, columns.get(contract.target.name, {})), False
        if contract.task != "regression":
            self._scores.edges, self._classes = np.arange(1, 10) / 10, True
            self._scores.names = [f"{n / 10} to {(n + 1) / 10}" for n in range(10)]
        self._lock, self._due, self._rows = threading.Lock(), 0.0, 0
        self._kept: list[np.ndarray] = []  # of each column, then labels and scores

    def put(self, values: Mapping[str, np.ndarray], labels: np.ndarray, scores: np.ndarray) -> None:
        """Keep the rows of a request, in the thread that predicts; where there is no room, those before are counted."""
        given = [*(values[name] for name in self._bins), labels, scores]
        if self._rows and self._rows + len(labels) > MANY:
            self._count()
        with self._lock:
            start, end = self._rows, self._rows + len(labels)
            if start == 0:
                self._kept = [np.empty(max(MANY, end), one.dtype) for one in given]
            for kept, array in zip(self._kept, given, strict=True):
                kept[start:end] = array
            self._rows = end

    def count(self) -> None:
        """Count what was kept, where it is time."""
        if self._rows and time.monotonic() >= self._due:
            self._count()

    def _count(self) -> None:
        with self._lock:
            kept, rows, self._rows = self._kept, self._rows, 0
        self._due = time.monotonic() + EVERY
        *values, labels, scores = (array[:rows] for array in kept)
        for (name, bins), array in zip(self._bins.items(), values, strict=True):
            _add(_values, bins.count(array), name)
        _add(_scores, self._scores.count(scores))
        _add(_predictions, Tally(labels.tolist() if self._classes else []))


def _add(counter: Callable[..., prometheus.Counter], counts: Tally[str], *labels: str) -> None:
    for name, number in (+counts).items():  # those above 0
        counter(*labels, name).inc(number)
