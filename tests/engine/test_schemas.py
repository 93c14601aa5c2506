"""The published JSON Schemas are those of the code, and what the engine writes keeps to them."""

import json
from pathlib import Path

import pytest
from worlds import Review, World, record, write_run

from model_review.schemas import MODELS, file_name, schema_text

SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "schemas"


@pytest.mark.parametrize("name", MODELS)
def test_the_published_schema_is_fresh(name: str) -> None:
    assert (SCHEMAS / file_name(name)).read_text() == schema_text(name)


def test_what_is_written_keeps_to_the_schemas(review: Review, tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema checks the files from outside")
    world = World(rows=500)
    before = write_run(tmp_path / "a", world.frame(world.score(1.0, 1)))
    result = review(before, write_run(tmp_path / "b", world.frame(world.score(1.3, 2))))
    for name, data in (("comparison@1", result["comparison"]), ("verdict@1", result["verdict"]), ("run@1", record())):
        schema = json.loads((SCHEMAS / file_name(name)).read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(data, schema)


def test_a_version_that_is_not_known_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from model_review.cli import main

    other = tmp_path / "comparison.json"
    other.write_text('{"schema": "model-review/comparison@2"}')
    policy = tmp_path / "policy.toml"
    policy.write_text('schema = "model-review/policy@1"\n[objective]\nmetric = "roc_auc"\n')
    assert main(["judge", "--comparison", str(other), "--policy", str(policy)]) == 2
    assert "comparison.json: field schema must be model-review/comparison@1" in capsys.readouterr().err
