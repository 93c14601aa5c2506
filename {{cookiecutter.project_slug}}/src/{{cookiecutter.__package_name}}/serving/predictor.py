"""From a model folder to a function that predicts: ONNX where training accepted the export, else scikit-learn."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .. import InputError, artifact

Predict = Callable[[Any], tuple[np.ndarray, np.ndarray | None]]
"""From typed raw columns to labels (numbers for regression), and n x classes probabilities or None."""


def load(folder: Path, form: str, digest: str) -> Predict:
    """Load the model of a run; an `InputError` says what is missing, changed or broken."""
    if not (folder / "model.json").is_file():
        raise InputError(f"{folder}: no model there; run `uv run train`, or set MODEL_FOLDER to a run's model folder")
    if (found := artifact.digest(folder)) != digest:
        raise InputError(
            f"{folder}: its digest is {found}, but run.json says {digest}; bring the run's own model back, or train"
        )
    try:
        if form == "onnx":
            return load_onnx(folder)
        from ..model import load as load_skops

        return load_skops(folder).predict
    except InputError:
        raise
    except Exception as error:  # a broken file raises whatever its reader raises
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise InputError(f"{folder}: the {form} model cannot be loaded ({reason}); train again") from None


def load_onnx(folder: Path) -> Predict:
    """Load `model.onnx`; one thread, because requests and not rows are what there is many of."""
    import onnxruntime

    facts = artifact.facts(folder)
    features, classes, choice = facts["features"], facts["classes"], (facts["positive_class"], facts["threshold"])
    made = json.loads((folder / "onnx.json").read_text(encoding="utf-8"))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])
    kinds = [object if name in features.levels else np.float32 for name in made["columns"]]
    inputs = [(entry.name, *pair) for entry, *pair in zip(session.get_inputs(), made["columns"], kinds, strict=True)]
    output = [session.get_outputs()[1 if classes else 0].name]

    def predict(values: Any) -> tuple[np.ndarray, np.ndarray | None]:
        columns = features.columns(values)
        feed = {entry: columns[name].astype(kind, copy=False).reshape(-1, 1) for entry, name, kind in inputs}
        (found,) = session.run(output, feed)
        if not classes:
            return found.reshape(-1).astype(float), None
        probabilities = artifact.spread(found, made["classes"], classes)
        return artifact.decide(probabilities, classes, *choice), probabilities

    return predict
