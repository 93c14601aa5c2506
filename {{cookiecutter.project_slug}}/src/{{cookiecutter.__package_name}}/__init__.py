"""The model of this project: data, features, training, evaluation, service."""

import os
from pathlib import Path

# MLflow and BentoML report usage to their makers unless told not to.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
os.environ.setdefault("MPLBACKEND", "Agg")  # plots go to files

ROOT = Path(__file__).resolve().parents[2]
"""The project's folder; commands work from wherever they are called."""


class InputError(Exception):
    """Something a person can mend: the message names the file or column, what is wrong and what to do."""
