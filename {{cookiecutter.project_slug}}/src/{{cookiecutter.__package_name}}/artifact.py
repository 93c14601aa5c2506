"""What a model folder holds beside the fitted pipeline, and how probabilities become labels.

Training, batch prediction and the service share this module, so it needs no more than numpy.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import InputError
from .features import Features


def digest(folder: Path) -> str:
    """`sha256:` over the sorted relative paths and file digests of a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{one.relative_to(folder).as_posix()} {hashlib.sha256(one.read_bytes()).hexdigest()}\n" for one in files]
    return "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest()


def facts(folder: Path) -> dict[str, Any]:
    """`model.json`: features, task, classes, positive class and threshold."""
    try:
        found = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{folder}: no model there; run `uv run train`, or name a run's model folder") from None
    return found | {"features": Features(**found["features"]), "classes": tuple(found["classes"])}


def spread(probabilities: np.ndarray, known: Sequence[str], classes: Sequence[str]) -> np.ndarray:
    """Probabilities of all classes from those of the `known` ones; a class without training rows keeps 0."""
    if (*known,) == (*classes,):
        return probabilities.astype(float)
    whole = np.zeros((len(probabilities), len(classes)))
    whole[:, [classes.index(label) for label in known]] = probabilities
    return whole


def decide(
    probabilities: np.ndarray, classes: Sequence[str], positive_class: str | None, threshold: float | None
) -> np.ndarray:
    """Labels from probabilities: the likeliest class, or for two classes the positive one from `threshold` on."""
    if threshold is None or positive_class is None:
        best = probabilities.argmax(axis=1)
    else:
        positive = classes.index(positive_class)
        best = np.where(probabilities[:, positive] >= threshold, positive, 1 - positive)
    return np.array(classes, dtype=object)[best]
