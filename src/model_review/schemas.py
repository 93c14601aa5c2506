"""The JSON Schemas under docs/schemas: made from the models that read and write the files."""

import json
from pathlib import Path

from pydantic import BaseModel

from model_review.comparison import Comparison
from model_review.ledger import Look
from model_review.probe.record import Probe
from model_review.release.promotions import Promotion
from model_review.run_record import RunRecord
from model_review.verdict import Verdict

MODELS: dict[str, type[BaseModel]] = {
    "run@1": RunRecord,
    "comparison@1": Comparison,
    "verdict@1": Verdict,
    "look@1": Look,
    "probe@1": Probe,
    "promotion@1": Promotion,
}


def schema_text(name: str) -> str:
    """One schema as it stands in docs/schemas."""
    schema = MODELS[name].model_json_schema(by_alias=True, mode="validation")
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"model-review/{name}"}
    if name == "run@1":
        schema["properties"] = {"schema": {"const": f"model-review/{name}"}, **schema["properties"]}
        schema["required"] = ["schema", *schema["required"]]
    return json.dumps({**head, **schema}, indent=2, ensure_ascii=False) + "\n"


def file_name(name: str) -> str:
    """Where a schema stands in docs/schemas."""
    return f"{name.replace('@', '-')}.schema.json"


def write(directory: Path) -> None:
    """Write every schema: `python -c "import model_review.schemas as s; s.write(s.Path('docs/schemas'))"`."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in MODELS:
        (directory / file_name(name)).write_text(schema_text(name), encoding="utf-8")
