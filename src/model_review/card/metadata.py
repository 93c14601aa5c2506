"""The front matter of MODEL_CARD.md: Hugging Face's model-card metadata, with the results as a `model-index`."""

import re
from pathlib import PurePosixPath
from typing import Any

import yaml

from model_review.card.sources import Sources
from model_review.errors import ReviewError
from model_review.text import plain

TASKS = {
    "binary": ("tabular-classification", "binary classification"),
    "multiclass": ("tabular-classification", "classification"),
    "regression": ("tabular-regression", "regression"),
}
LIBRARIES = {"onnx": "onnx", "skops": "sklearn", "sklearn": "sklearn", "pickle": "sklearn", "joblib": "sklearn"}
LICENSE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}")


def front_matter(sources: Sources) -> str:
    """The YAML between two lines of dashes."""
    written = yaml.safe_dump(metadata(sources), sort_keys=False, allow_unicode=True, width=10_000)
    return f"---\n{written}---"


def metadata(sources: Sources) -> dict[str, Any]:
    """What Hugging Face's `ModelCardData` reads; every text is one printable line."""
    record = sources.record
    kind, words = TASKS[record.task]
    metrics = [plain(name, 100) for name in record.metrics]
    table = PurePosixPath(record.data.path or "table").name
    results = {
        "task": {"type": kind, "name": words},
        "dataset": {
            "type": re.sub(r"[^a-z0-9]+", "-", table.split(".")[0].lower()).strip("-") or "table",
            "name": plain(table, 100),
            "split": "evaluation",
            "revision": plain(record.data.digest or "not recorded"),
        },
        "metrics": [
            {"type": name, "value": value, "name": name.replace("_", " ")}
            for name, value in zip(metrics, record.metrics.values(), strict=True)
        ],
    }
    found: dict[str, Any] = {}
    if (licence := sources.statements.written.get("details.license")) is not None:
        if not LICENSE.fullmatch(licence):
            raise ReviewError(
                f"model-card.yaml: field details.license {plain(licence)} is no licence name such as apache-2.0."
            )
        found["license"] = licence
    if (library := LIBRARIES.get((record.model.format or "").lower())) is not None:
        found["library_name"] = library
    found |= {"pipeline_tag": kind, "tags": [kind, "tabular", record.task]}
    if metrics:
        found |= {"metrics": metrics, "model-index": [{"name": sources.name, "results": [results]}]}
    return found
