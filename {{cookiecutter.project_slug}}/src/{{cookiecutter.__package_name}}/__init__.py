"""The model of this project: data, features, training, evaluation, service."""

import os
from pathlib import Path

# MLflow and BentoML report usage to their makers unless told not to.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")

ROOT = Path(__file__).resolve().parents[2]
"""The project's folder; commands work from wherever they are called."""
