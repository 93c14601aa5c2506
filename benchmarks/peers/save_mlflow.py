"""Write the pipeline as mlflow and MLServer want it, and a request of its model columns for each of the two."""

import json
import sys
from pathlib import Path

import joblib
import mlflow
import pandas as pd
from churn import model
from churn.contract import load_contract
from churn.data import parse
from common import RUN

out = Path(sys.argv[1])
fitted = model.load(RUN / "model")
rows = json.loads((out.parent / "rows-100.json").read_text(encoding="utf-8"))["rows"]
spelt = {True: "yes", False: "no"}
text = pd.DataFrame(
    [{name: spelt[value] if isinstance(value, bool) else str(value) for name, value in row.items()} for row in rows],
    dtype="str",
)
typed, _ = parse(text, load_contract(RUN / "contract.yaml"), out.parent / "rows-100.json", [])
columns = fitted.columns(typed)
mlflow.sklearn.save_model(
    fitted.pipeline,
    str(out / "mlflow"),
    signature=mlflow.models.infer_signature(columns, fitted.pipeline.predict(columns)),
    skops_trusted_types=model.TRUSTED,
    pip_requirements=[],
)
folder = out / "mlserver"
folder.mkdir(parents=True, exist_ok=True)
joblib.dump(fitted.pipeline, folder / "model.joblib")
settings = {"name": "churn", "implementation": "mlserver_sklearn.SKLearnModel", "parameters": {"uri": "./model.joblib"}}
(folder / "model-settings.json").write_text(json.dumps(settings), encoding="utf-8")
(folder / "settings.json").write_text(
    json.dumps(
        {
            "debug": False,
            "parallel_workers": 0,
            "http_port": int(sys.argv[2]),
            "grpc_port": int(sys.argv[2]) + 1,
            "metrics_port": int(sys.argv[2]) + 2,
            "host": "127.0.0.1",
        }
    ),
    encoding="utf-8",
)
for count in (1, 100):
    many = columns[:count]
    (out.parent / f"mlflow-{count}.json").write_text(
        json.dumps({"dataframe_split": many.to_dict("split")}), encoding="utf-8"
    )
    inputs = [
        {
            "name": name,
            "shape": [count, 1],
            "datatype": "BYTES" if not pd.api.types.is_numeric_dtype(values) else "FP64",
            "data": values.tolist(),
        }
        | ({"parameters": {"content_type": "str"}} if not pd.api.types.is_numeric_dtype(values) else {})
        for name, values in many.items()
    ]
    outputs = [{"name": "predict_proba"}]
    (out.parent / f"mlserver-{count}.json").write_text(
        json.dumps({"parameters": {"content_type": "pd"}, "inputs": inputs, "outputs": outputs}), encoding="utf-8"
    )
