"""Both pipelines convert to ONNX and predict the same there, also for gaps and for levels that training never saw.

The export itself comes with the service's container; these tests keep the pipelines fit for it.
"""

from pathlib import Path

import pytest
from project import made_from, must
from tables import TABLES

SCRIPT = """
import numpy as np, onnxruntime, skl2onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from shop_check import ROOT, settings, train
from shop_check.rows import load

contract, params = settings.load(ROOT)
table = load(ROOT / contract.path, contract, params["split"])
training, rows = table.part("train"), table.part("evaluation").typed.copy()
classes = () if contract.task == "regression" else tuple(sorted(set(training.truth)))
for estimator in ("hist_gradient_boosting", "linear"):
    fitted = train.fit(estimator, training, classes, params)
    for number, name in enumerate(fitted.features.raw):  # gaps and unseen levels in every column
        rows.iloc[number % len(rows) :: 7, rows.columns.get_loc(name)] = None
        if name in fitted.features.levels:
            rows.iloc[number % 5 :: 11, rows.columns.get_loc(name)] = "never seen before"
    columns = fitted.columns(rows)
    kinds = {name: StringTensorType if name in fitted.features.levels else FloatTensorType for name in columns}
    options = {"zipmap": False} if classes else None
    types = [(name, kind([None, 1])) for name, kind in kinds.items()]
    exported = skl2onnx.to_onnx(fitted.pipeline, initial_types=types, options=options)
    session = onnxruntime.InferenceSession(exported.SerializeToString(), providers=["CPUExecutionProvider"])
    values = [columns[[n]].to_numpy(object if k is StringTensorType else np.float32) for n, k in kinds.items()]
    feed = {entry.name: value for entry, value in zip(session.get_inputs(), values, strict=True)}  # names are made safe
    theirs = session.run(None, feed)[1 if classes else 0]
    ours = fitted.pipeline.predict_proba(columns) if classes else fitted.pipeline.predict(columns)[:, None]
    scale = 1 if classes else np.abs(ours).max()
    print(estimator, float(np.abs(ours - theirs).max() / scale))
    assert np.abs(ours - theirs).max() / scale < 1e-5
"""


@pytest.mark.parametrize("name", ["the demo data", "wine", "diabetes", "missing values in every spelling"])
def test_pipelines_predict_the_same_as_onnx(name: str, tmp_path: Path) -> None:
    project = made_from(next(table for table in TABLES if table.name.startswith(name)), tmp_path)
    must(project, "python", "-c", SCRIPT)
