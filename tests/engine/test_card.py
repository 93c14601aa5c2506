"""The model card and the technical documentation: their order, what they owe, and what they do with hostile text."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from worlds import POLICY, World, write_run

from model_review.card.statements import QUESTIONS
from model_review.cli import main

WORLD = World(seed=2)
BASE = WORLD.frame(WORLD.score(1.0, 1))
IMAGE = "registry.example.org/acme/churn@sha256:" + "a" * 64
RULES = POLICY + '[fairness]\nmetric = "recall"\nmargin = 0.1\ncolumns = ["sex"]\nwhy = "Alike for all."\n'
PROFILE = {
    "schema": "model-review/profile@1",
    "rows": 100,
    "columns": {"amount": {"type": "number", "missing": 3, "distinct": 90}},
}
ANNEX = [
    "1 (a)", "1 (b)", "1 (c)", "1 (d)", "1 (e)", "1 (f)", "1 (g)", "1 (h)",
    "2 (a)", "2 (b)", "2 (c)", "2 (d)", "2 (e)", "2 (f)", "2 (g)", "2 (h)",
    "3", "4", "5", "6", "7", "8", "9",
]  # fmt: skip


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a reviewed run, the policy, and no statement of a person."""
    folder = tmp_path_factory.mktemp("reviewed")
    before = write_run(folder / "champion", BASE, model={"digest": "sha256:" + "4" * 64})
    run = write_run(folder / "run", WORLD.frame(WORLD.score(1.3, 2)), metrics={"roc_auc": 0.81, "log_loss": 0.4773})
    (run / "profile.json").write_text(json.dumps(PROFILE))
    (folder / "model-review.toml").write_text(RULES)
    sides = ["--champion", str(before), "--challenger", str(run)]
    assert main(["compare", *sides, "--policy", str(folder / "model-review.toml"), "--out", str(folder / "out")]) == 0
    return folder


@pytest.fixture
def project(reviewed: Path, tmp_path: Path) -> Path:
    """That folder, to be changed."""
    return Path(shutil.copytree(reviewed, tmp_path / "project"))


def card(project: Path, *extra: str, run: str = "run", out: str = "card") -> tuple[str, str]:
    """Both files of a run with its comparison."""
    code = main(["card", *arguments(project, *extra, run=run, out=out)])
    assert code == 0
    names = ("MODEL_CARD.md", "TECHNICAL_DOCUMENTATION.md")
    return tuple((project / out / name).read_text(encoding="utf-8") for name in names)  # type: ignore[return-value]  # two names


def arguments(project: Path, *extra: str, run: str = "run", out: str = "card") -> list[str]:
    made = ["--comparison", str(project / "out/comparison.json"), "--verdict", str(project / "out/verdict.json")]
    given = ["--run", str(project / run), "--repo", str(project), "--out", str(project / out), "--image", IMAGE]
    return [*given, *made, "--date", "2026-11-20", *extra]


def headings(text: str) -> list[str]:
    return re.findall(r"^## (.+)$", text, re.MULTILINE)


def front(text: str) -> dict[str, Any]:
    """The metadata, cut out with the expression that huggingface_hub uses."""
    match = re.search(r"^(\s*---[\r\n]+)([\S\s]*?)([\r\n]+---(\r\n|\n|$))", text)
    assert match is not None
    found: dict[str, Any] = yaml.safe_load(match[2])
    return found


def test_the_card_has_the_fields_of_mitchell_and_others_in_their_order(project: Path) -> None:
    text, _ = card(project)
    assert headings(text) == [
        "Model details", "Intended use", "Factors", "Metrics", "Evaluation data", "Training data",
        "Quantitative analyses", "Ethical considerations", "Caveats and recommendations",
    ]  # fmt: skip


def test_every_point_of_annex_iv_stands_in_the_documentation(project: Path) -> None:
    _, text = card(project)
    found = headings(text)
    assert [next(point for point in reversed(ANNEX) if name.startswith(point)) for name in found] == ANNEX


def test_what_can_be_generated_is(project: Path) -> None:
    for text in card(project):
        for word in (
            IMAGE,
            "sha256:" + "3" * 64,
            "sha256:" + "4" * 64,
            "a" * 40,
            "Ranking decides who is called first",
        ):
            assert word in text
        assert "| `amount` | number | feature | 3 | 90 |" in text
        assert "`region` = `north`" in text  # single factors
        assert re.search(
            r"\| `roc_auc` \| higher \| [\d.]+ \| [\d.]+ \| \+[\d.]+ \| \+[\d.]+ to \+[\d.]+ \| 90 %", text
        )


def test_every_number_of_the_metrics_table_stands_in_the_comparison(project: Path) -> None:
    text, _ = card(project)
    rows = {row["name"]: row for row in json.loads((project / "out/comparison.json").read_text())["metrics"]}
    shown = re.findall(r"^\| `(\w+)` \| (?:higher|lower) \| (\S+) \| (\S+) \| (\S+) \| (\S+) to (\S+) \|", text, re.M)
    assert {name for name, *_ in shown} == set(rows)
    for name, *cells in shown:
        for cell, field in zip(cells, ("champion", "challenger", "delta", "low", "high"), strict=True):
            digits = len(cell.partition(".")[2])
            assert float(cell) == pytest.approx(rows[name][field], abs=0.51 * 10**-digits), (name, field)


def test_what_a_person_owes_is_counted_at_the_top(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = card(project)
    said = capsys.readouterr().out
    for text in texts:
        tally = re.search(r"\*\*MISSING\*\*: (\d+) of the (\d+) statements", text)
        assert tally is not None
        assert int(tally[1]) == int(tally[2]) == len(re.findall(r"^- \*\*MISSING\*\*: ", text, re.MULTILINE))
        assert f"{tally[1]} statements" in said
    asked = {name for text in texts for name in re.findall(r"\(`(\w+\.\w+)`\)$", text, re.M)}
    assert asked == set(QUESTIONS) - {"details.name"}  # each question stands in one of the two; the name is the title


def written(project: Path, **changes: str | None) -> None:
    sections: dict[str, Any] = {"schema": "model-review/model-card@1"}
    for name in QUESTIONS:
        section, _, field = name.partition(".")
        answer = "mit" if name == "details.license" else f"Said of {name}."
        sections.setdefault(section, {})[field] = changes.get(name.replace(".", "_"), answer)
    (project / "model-card.yaml").write_text(yaml.safe_dump(sections, sort_keys=False), encoding="utf-8")


def test_what_a_person_wrote_is_quoted_and_nothing_is_missing(project: Path) -> None:
    written(project)
    for text in card(project):
        assert "MISSING" not in text
        assert re.search(r"All \d+ statements that a person owes are written", text)
        assert "  > Said of use.intended_uses." in text
    assert front(card(project)[0])["license"] == "mit"


def test_a_persons_text_cannot_pass_for_a_generated_heading(project: Path) -> None:
    written(
        project,
        use_intended_uses="Calls.\n\n## 8 Declaration of conformity\n- **MISSING**: x\n\x1b[2Jend \u202ereverse",
    )
    text, documentation = card(project)
    assert headings(text).count("8 Declaration of conformity") == 0
    assert "  > ## 8 Declaration of conformity" in documentation
    assert not re.search("[\x1b\u202e]", text + documentation)
    assert "All " in documentation.split("\n## ")[0]


def test_the_same_files_give_the_same_bytes(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert card(project) == card(project, out="again")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")  # 2026-01-01
    plain = [one for one in arguments(project) if one not in ("--date", "2026-11-20")]
    assert main(["card", *plain]) == 0
    assert "Dated 2026-01-01." in (project / "card/MODEL_CARD.md").read_text()


def test_the_metadata_have_the_shape_that_hugging_face_reads(project: Path) -> None:
    written(project, details_name='Churn: "the" model')
    found = front(card(project)[0])
    assert set(found) <= {"license", "library_name", "pipeline_tag", "tags", "metrics", "model-index"}
    assert (found["library_name"], found["pipeline_tag"]) == ("sklearn", "tabular-classification")
    (model,) = found["model-index"]
    assert model["name"] == 'Churn: "the" model'
    (result,) = model["results"]
    assert {"type", "name"} == set(result["task"])
    assert {"type", "name", "split", "revision"} == set(result["dataset"])
    assert result["dataset"]["revision"] == "sha256:" + "1" * 64
    assert [(one["type"], one["value"]) for one in result["metrics"]] == [("roc_auc", 0.81), ("log_loss", 0.4773)]
    assert found["metrics"] == ["roc_auc", "log_loss"]


def test_nothing_claims_that_a_law_is_met(project: Path) -> None:
    for text in card(project):
        said = text.replace("Nothing here claims that a law or a standard is met.", "").lower()
        assert not re.search(r"\b(complies|compliant|conforms|conformant|certified|complying)\b", said)


HOSTILE = [
    "<!-- model-review:1 --><script>alert(1)</script>",
    "](https://evil.example) ![x](https://evil.example/a.png)",
    "@everyone #1 GH-1 **MISSING**: 0",
    "a\n\n## 8 Declaration of conformity\n- **MISSING**: all",
    "--- \n---\nlicense: mit",
    "| x | y |\n|---|---|",
    "`code` \\ $x$ &lt; ~~gone~~",
    "\u202e reversed, \x1b[2J, \x00",
    "'\"{%raw%}: - [a, b] !!python/object:os.system",
]


def test_a_login_in_the_trackers_address_stays_out_of_the_card(project: Path) -> None:
    address = "https://user:hunter2@mlflow.example.org:8443/team?token=hunter2"  # pragma: allowlist secret
    secret = {"run_id": "7f", "uri": address}
    write_run(project / "tracked", BASE, tracking=secret)
    write_run(project / "local", BASE, tracking={"run_id": "7f", "uri": "sqlite:////home/olga/mlflow.db"})
    for run, place in (("tracked", "at `mlflow.example.org`"), ("local", "in a store on the machine that trained")):
        given = ["--run", str(project / run), "--repo", str(project), "--out", str(project / "c")]
        assert main(["card", *given]) == 0
        text = (project / "c/MODEL_CARD.md").read_text() + (project / "c/TECHNICAL_DOCUMENTATION.md").read_text()
        assert f"- experiment run `7f` {place}" in text
        assert not re.search("hunter2|olga", text)


@pytest.mark.parametrize("nasty", HOSTILE)
def test_hostile_text_from_a_run_stays_text(project: Path, nasty: str) -> None:
    run = write_run(
        project / "nasty",
        BASE,
        contract=None,
        target=nasty,
        classes=[nasty, "yes"],
        features=[nasty],
        params={"estimator": nasty, nasty: nasty},
        metrics={nasty: 0.5},
        baselines={nasty: {nasty: 0.1}},
        data={"path": nasty, "digest": nasty},
        environment={"python": nasty, "platform": nasty, "libraries": {nasty: nasty}, "lock_digest": nasty},
        model={"path": nasty, "format": nasty, "bytes": 1, "digest": nasty},
        tracking={"run_id": nasty, "uri": nasty},
        warnings=[nasty],
        importances={nasty: 1.0},
        commit=nasty,
    )
    (run / "profile.json").write_text(json.dumps({"columns": {nasty: {"type": nasty, "missing": nasty}}}))
    assert main(["card", "--run", str(run), "--repo", str(project), "--out", str(project / "c")]) == 0
    calm, calm_documentation = card(project)
    text = (project / "c/MODEL_CARD.md").read_text(encoding="utf-8")
    documentation = (project / "c/TECHNICAL_DOCUMENTATION.md").read_text(encoding="utf-8")
    assert headings(text) == headings(calm)
    assert headings(documentation) == headings(calm_documentation)
    found = front(text)
    assert set(found) <= {"library_name", "pipeline_tag", "tags", "metrics", "model-index"}
    for body in (text.split("\n---\n", 1)[1], documentation):
        prose = re.sub(r"`[^`\n]*`", "", body)  # in a code span nothing is read as markup, and no line ends
        assert not re.search(r"<!--|<script|\]\(|!\[|@everyone|(?<!\w)#1|\$x|&lt;|[\x00\x1b\u202e]", prose)
        assert len(re.findall(r"^- \*\*MISSING\*\*: ", body, re.MULTILINE)) == int(
            re.findall(r"MISSING\*\*: (\d+)", body)[0]
        )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not valid YAML"),
        ("[]", "field schema must be model-review/model-card@1"),
        ("schema: model-review/model-card@2", "field schema must be model-review/model-card@1"),
        ("SCHEMA\nuse: text", "section use must hold fields"),
        ("SCHEMA\nuse: {intended_use: a}", "field use.intended_use is not known; did you mean use.intended_uses?"),
        ("SCHEMA\nprivacy: {a: b}", "field privacy.a is not known"),
        ("SCHEMA\nuse: {intended_uses: 2024}", "field use.intended_uses must be text"),
        ("SCHEMA\nuse: {intended_uses: [a]}", "field use.intended_uses must be text"),
        ("SCHEMA\nuse: {intended_uses: a, intended_uses: b}", "line 2): intended_uses is written twice"),
        ("SCHEMA\nuse: {intended_uses: " + "a" * 20_001 + "}", "at most 20,000 are read"),
        ("SCHEMA\ndetails: {license: My own}", "field details.license My own is no licence name"),
        ("SCHEMA\nuse: {intended_uses: !!bool perhaps}", "is not valid YAML"),
        ("SCHEMA\nuse: {intended_uses: !!timestamp never}", "is not valid YAML"),
        ("SCHEMA\nuse: !!python/object/apply:os.system [id]", "is not valid YAML"),
    ],
)
def test_a_wrong_statement_file_ends_in_one_sentence(
    project: Path, capsys: pytest.CaptureFixture[str], content: str, words: str
) -> None:
    text = content.replace("SCHEMA", "schema: model-review/model-card@1")
    (project / "model-card.yaml").write_text(text, encoding="utf-8")
    assert main(["card", *arguments(project)]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert "model-card.yaml" in said
    assert len(said.splitlines()) == 1
    assert not (project / "card").exists()


def test_a_card_of_two_models_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = write_run(project / "other", BASE, model={"digest": "sha256:" + "5" * 64})
    assert main(["card", *arguments(project, run=other.name)]) == 2
    assert "comparison.json compares another model" in capsys.readouterr().err
    verdict = json.loads((project / "out/verdict.json").read_text())
    (project / "out/verdict.json").write_text(json.dumps(verdict | {"policy_digest": "sha256:" + "6" * 64}))
    assert main(["card", *arguments(project)]) == 2
    assert "judged by another policy" in capsys.readouterr().err


def of_model(digest: str) -> dict[str, Any]:
    known = {"commit": None, "contract_digest": None, "data_digest": None, "columns": []}
    return known | {"model_digest": "sha256:" + digest * 64}


def probed(project: Path, **changes: Any) -> list[str]:
    """The option with a probe of the image."""
    load = {"rows": 1, "clients": 8, "seconds": 3.0, "requests": 7200, "errors": 0, "p50_ms": 1.25, "p95_ms": 2.5}
    found: dict[str, Any] = {
        "schema": "model-review/probe@1",
        "engine": "0.1.0",
        "time": "2026-11-20T12:00:00Z",
        "passed": True,
        "failures": [],
        "subject": of_model("3"),
        "image": {"reference": None, "digest": "sha256:" + "a" * 64, "bytes": 394_000_000},
        "checks": [],
        "ready_seconds": 1.5,
        "cold_start_seconds": 1.625,
        "golden": {"rows": 200, "requests": 40, "different_labels": 0, "largest_difference": 1.5e-7, "tolerance": 1e-6},
        "canary": None,
        "violations": [],
        "load": [load | {"p99_ms": 5.5, "requests_per_second": 2400.0, "rows_per_second": 2400.0}],
        "memory": {"bytes": 195_000_000, "method": "pss"},
    }  # fmt: skip
    (project / "probe.json").write_text(json.dumps(found | changes))
    return ["--probe", str(project / "probe.json")]


def test_what_the_probe_found_stands_in_both_files(project: Path) -> None:
    for text in card(project, *probed(project)):
        assert "- probed 2026-11-20T12:00:00Z: passed" in text
        assert "memory under load 195,000,000 bytes (pss), image 394,000,000 bytes" in text
        assert "| 1 | 8 | 1.25 | 2.5 | 5.5 | 2400 | 0 |" in text
        assert "200 known rows: 0 labels differ, numbers by at most 1.5e-07 (allowed: 1e-06)" in text
    failed = probed(project, passed=False, failures=["It | broke\n## here"])
    for text in card(project, *failed):
        assert "**failed**" in text
        assert "## here" not in text.replace("It \u2223 broke\ufffd\uff03\uff03 here", "")


@pytest.mark.parametrize(
    "change",
    [
        {"image": {"reference": None, "digest": "sha256:" + "b" * 64, "bytes": 1}},
        {"subject": of_model("9")},
    ],
    ids=["image", "model"],
)  # fmt: skip
def test_a_probe_of_something_else_is_refused(
    project: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any]
) -> None:
    assert main(["card", *arguments(project, *probed(project, **change))]) == 2
    assert "probe.json is of another model or image" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (("--image", "ghcr.io/acme/churn:production"), "is not named by digest"),
        (("--image", "ghcr.io/acme/churn@sha256:" + "A" * 64), "is not named by digest"),
        (("--date", "today"), "--date today is no day"),
        (("--date", "2026-02-30"), "--date 2026-02-30 is no day"),
        (("--run", "nowhere"), "nowhere is not a directory"),
    ],
)
def test_wrong_arguments_end_in_one_sentence(
    project: Path, capsys: pytest.CaptureFixture[str], extra: tuple[str, ...], words: str
) -> None:
    assert main(["card", *arguments(project), *extra]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert len(said.splitlines()) == 1


def test_without_a_comparison_the_card_says_what_it_lacks(project: Path) -> None:
    assert (
        main(["card", "--run", str(project / "run"), "--repo", str(project / "run"), "--out", str(project / "c")]) == 0
    )
    text = (project / "c/MODEL_CARD.md").read_text()
    assert "point estimates" in text
    assert "Results per group need a comparison" in text
    assert "No policy (`model-review.toml`) was found" in text
    assert "| `roc_auc` | higher | 0.81 |" in text
