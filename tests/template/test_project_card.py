"""Model cards of generated projects: the template asks what the engine asks, and real runs fill the rest."""

import json
import re
from pathlib import Path

import yaml
from bake import bake
from project import result

from model_review.card.statements import QUESTIONS, read_statements
from model_review.cli import main


def made(project: Path, folder: Path) -> tuple[str, str]:
    """Both files of the project's run, compared as a first run is."""
    rules = ["--policy", str(project / "model-review.toml"), "--contract", str(project / "contract.yaml")]
    sides = ["--champion", "none", "--challenger", str(project / "run")]
    assert main(["compare", *sides, *rules, "--out", str(folder)]) == 0
    judged = ["--comparison", str(folder / "comparison.json"), "--verdict", str(folder / "verdict.json")]
    image = ["--image", "ghcr.io/acme/model@sha256:" + "0" * 64]
    given = ["--run", str(project / "run"), "--repo", str(project), "--out", str(folder), "--date", "2026-11-20"]
    assert main(["card", *given, *judged, *image]) == 0
    names = ("MODEL_CARD.md", "TECHNICAL_DOCUMENTATION.md")
    card, documentation = ((folder / name).read_text(encoding="utf-8") for name in names)
    return card, documentation


def test_the_template_asks_each_question_of_the_engine_once(tmp_path: Path) -> None:
    project = bake(tmp_path, r'description=Say "hi" \ to', 'author_name=O"Neil \\ Söhne', "license=Proprietary")
    content = yaml.safe_load((project / "model-card.yaml").read_text(encoding="utf-8"))
    assert content.pop("schema") == "model-review/model-card@1"
    assert [f"{section}.{field}" for section, fields in content.items() for field in fields] == list(QUESTIONS)
    written = read_statements(project / "model-card.yaml").written
    assert written == {
        "details.name": "Churn",
        "details.description": r'Say "hi" \ to',
        "details.developers": 'O"Neil \\ Söhne',
        "details.license": "other",
    }


def test_the_card_of_the_demo_holds_its_numbers_and_its_answers(demo: Path, tmp_path: Path) -> None:
    card, documentation = made(demo, tmp_path)
    run, comparison = result(demo), json.loads((tmp_path / "comparison.json").read_text(encoding="utf-8"))
    front = yaml.safe_load(card.split("\n---\n")[0].removeprefix("---\n"))
    (results,) = front["model-index"][0]["results"]
    assert {one["type"]: one["value"] for one in results["metrics"]} == run["metrics"]
    assert results["dataset"]["revision"] == run["data"]["digest"]
    assert (front["license"], front["model-index"][0]["name"]) == ("apache-2.0", "Churn")
    for text in (card, documentation):
        assert run["model"]["digest"] in text
        assert "There is no champion" in text or "first run" in text.lower()
        assert f"{run['data']['train_rows']:,} training rows" in text
    assert "| simpler model, same rows |" in card
    simple = run["baselines"]["dummy"]["roc_auc"]
    assert re.search(rf"\| `dummy` \|.* {simple:.4g} \|", card)
    assert {one["name"] for one in comparison["baselines"] if one["metrics"]} == {"dummy", "linear"}
    missing = set(QUESTIONS) - {"details.name", "details.description", "details.developers", "details.license"}
    asked = set(re.findall(r"\*\*MISSING\*\*: .*\(`([\w.]+)`\)", card + documentation))
    assert asked == missing | {"details.description"}  # the default description is empty


def test_the_card_of_the_real_table_names_its_people_columns(bank: Path, tmp_path: Path) -> None:
    card, _ = made(bank, tmp_path)
    assert re.search(r"fairness is measured over .*`age`.*`marital`", card)
    assert "suspected leak" in card or "duration" in card
