"""The ONNX export of a trained model, accepted only where it predicts what the model predicts.

Training calls it. A refused export is no fault: the service then runs the model itself, with scikit-learn.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .contract import TEMPORAL, Column
from .model import Model
from .rows import Table
from .serving import predictor

TOLERANCE = 1e-6
"""The largest difference of a probability, or of a number (above 1 relative to it); a review's probe allows no more."""


def export(fitted: Model, testing: pd.DataFrame, folder: Path) -> tuple[str, str]:
    """Write `model.onnx` and `onnx.json` beside the model if both predict the same on the rows of `testing`.

    Returns:
        The format to serve, `onnx` or `skops`, and why.
    """
    file, inputs = folder / "model.onnx", folder / "onnx.json"
    try:
        _convert(fitted, testing.head(1), file, inputs)
        predict = predictor.load_onnx(folder)
        theirs, their_scores = predict(testing)
    except Exception as error:  # the converter and the runtime raise whatever they raise
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    else:
        ours, our_scores = fitted.predict(testing)
        if our_scores is None or their_scores is None:
            difference, differing = float(np.max(np.abs(ours - theirs) / np.maximum(np.abs(ours), 1))), 0
        else:
            difference, differing = float(np.max(np.abs(our_scores - their_scores))), int(np.sum(ours != theirs))
        if difference <= TOLERANCE and not differing:
            words = f"predicts {len(testing)} evaluation rows within {difference:.1e} of the trained model"
            return "onnx", f"{words}, no label differs"
        reason = f"on {len(testing)} evaluation rows it is off by up to {difference:.1e}, {differing} labels differ"
    file.unlink(missing_ok=True)
    inputs.unlink(missing_ok=True)
    return "skops", f"ONNX export refused: {reason}"


def _convert(fitted: Model, rows: pd.DataFrame, file: Path, inputs: Path) -> None:
    import skl2onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    names = list(fitted.columns(rows).columns)
    kinds = [StringTensorType if name in fitted.features.levels else FloatTensorType for name in names]
    types = [(name, kind([None, 1])) for name, kind in zip(names, kinds, strict=True)]
    options = {"zipmap": False} if fitted.classes else None
    made = skl2onnx.to_onnx(fitted.pipeline, initial_types=types, options=options)
    file.write_bytes(made.SerializeToString())
    known = [str(label) for label in fitted.pipeline.classes_] if fitted.classes else []
    inputs.write_text(json.dumps({"columns": names, "classes": known}, ensure_ascii=False), encoding="utf-8")


def write_example(folder: Path, testing: Table, features: list[str]) -> None:
    """Write `example.json`: a row of the evaluation set, for the service's description and its first predictions.

    A restricted column shows no real value: an allowed value, or a neutral one, stands for it.
    """
    fullest = int(testing.typed[features].isna().sum(axis=1).to_numpy().argmin())
    row: dict[str, Any] = {}
    for column in testing.contract.columns:
        if column.name in features:
            value, text = testing.typed[column.name].iloc[fullest], testing.raw[column.name].iloc[fullest].strip()
            row[column.name] = (
                _neutral(column) if column.restricted else None if pd.isna(value) else _json(column, value, text)
            )
    (folder / "example.json").write_text(json.dumps(row, indent=1, ensure_ascii=False), encoding="utf-8")


def _json(column: Column, value: Any, text: str) -> Any:
    kinds = {"boolean": bool, "integer": int, "number": float}
    return kinds[column.type](value) if column.type in kinds else text


def _neutral(column: Column) -> Any:
    if not column.required:
        return None
    if column.type in TEMPORAL:
        return str(column.bounds.get("minimum", "2000-01-01"))
    if column.type in ("integer", "number"):
        return column.bounds.get("minimum", column.bounds.get("maximum", 0))
    return True if column.type == "boolean" else (column.allowed or ("x",))[0]
