"""Pull requests of every kind through the whole loop: content key, training, main's model, review, one comment.

The verbs are those that the actions call, in their order; the comment is judged again by the trusted half and stands on
the fake GitHub. Main has a linear model of the demo data, or of the Bank Marketing table under `make prove`.
"""

import gzip
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from archives import archive
from demo_data import LAST_QUARTER_FROM, draw_rows
from report_loop import Loop as Report
from repositories import ROOT, git
from training_loop import ELSEWHERE
from training_loop import Loop as Training

pytestmark = [
    pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not on the PATH"),
    pytest.mark.xdist_group("trained"),  # one project for all of them
]
BANK = Path(os.environ.get("MODEL_REVIEW_BANK_CSV", ROOT.parent / "shared/data/bank-full.csv.gz"))


@dataclass(frozen=True)
class Answered:
    """What a pull request got."""

    status: str
    outputs: dict[str, str]
    comment: str

    @property
    def first(self) -> str:
        """The comment's first line."""
        return self.comment.splitlines()[0]

    @property
    def first_sight(self) -> str:
        """The verdict and its reason."""
        return self.comment.split("**Next:**")[0]


@dataclass
class World:
    """A trained main, and the report job in front of the fake GitHub."""

    training: Training
    report: Report
    forbidden: str

    def answer(self) -> Answered:
        """Open what is edited as pull request 7 and play both workflows' verbs on it."""
        project = self.training.project
        self.training.open()
        head = git(project, "rev-parse", "HEAD^2")
        self.report.fake.git = project / ".git"
        self.report.fake.add_pull(7, head, "a-branch", base=self.training.base)
        shutil.rmtree(project / "run")
        # `base` first, as the setup action does: it says whether anything has to be trained.
        status = self.training.found()["status"]
        content, conclusion = None, "success"
        if status != "nothing-relevant-changed" and not self.training.trains():
            conclusion = "failure"
        elif status != "nothing-relevant-changed":
            status = self.training.score(self.training.cached)["status"]
            conclusion = "failure" if self.training.review()["fails"] else "success"
            content = archive((self.training.scratch / "review/comparison.json").read_bytes())
        code, outputs, _ = self.report.comment(self.report.run(content, conclusion))
        assert code == 0
        (comment,) = self.report.ours()
        return Answered(status, outputs, comment["body"])


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Training:
    """The Bank Marketing table with `duration` forbidden, as its reader decides."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        answers = ("project_name=Term deposits", f"dataset={BANK}", "target=y")
        return Training(tmp_path_factory.mktemp("bank"), *answers, forbid="duration")


@pytest.fixture(
    params=[
        "demo",
        pytest.param(
            "bank",
            marks=[pytest.mark.prove, pytest.mark.skipif(not BANK.is_file(), reason="bank-full.csv.gz is not present")],
        ),
    ]
)
def world(request: pytest.FixtureRequest, loop: Report, monkeypatch: pytest.MonkeyPatch) -> World:
    """Main of either table, and an empty runner."""
    training: Training = request.getfixturevalue("trained" if request.param == "demo" else "bank")
    training.fresh()
    for name, file in (("GITHUB_OUTPUT", "outputs"), ("GITHUB_STEP_SUMMARY", "summary.md")):
        monkeypatch.setenv(name, str(training.scratch / file))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", training.store)
    for name in (*ELSEWHERE, "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    loop.fake.files.clear()
    return World(training, loop, "duration" if request.param == "bank" else "cancellation_reason")


def edit_rows(world: World, change: Callable[[list[str]], list[str]]) -> None:
    """Change the table's lines; its head stays."""
    (path,) = (world.training.project / "data").iterdir()
    packed = path.suffix == ".gz"
    text = (gzip.decompress(path.read_bytes()) if packed else path.read_bytes()).decode()
    head, *lines = text.splitlines(keepends=True)
    lines[-1] = lines[-1].rstrip("\r\n") + head[len(head.rstrip("\r\n")) :]  # the last line may have no end
    data = "".join([head, *change(lines)]).encode()
    path.write_bytes(gzip.compress(data, mtime=0) if packed else data)


def later_rows(world: World) -> list[str]:
    """Rows that were not there: the demo's next quarter, or bank clients with a little more money."""
    if world.forbidden == "cancellation_reason":
        later = (row for row in draw_rows() if row[1] >= LAST_QUARTER_FROM)
        return ["".join([",".join(row), "\n"]) for row in later]
    (path,) = (world.training.project / "data").iterdir()
    head, *lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    place = head.split(",").index("balance")
    rows = [line.split(",") for line in lines[::50]]
    return [",".join([*row[:place], str(int(row[place]) + 1), *row[place + 1 :]]) + "\r\n" for row in rows]


def relabelled(lines: list[str]) -> list[str]:
    """Every fifth row with the other label."""
    other = {"yes": "no", "no": "yes"}
    found = []
    for number, line in enumerate(lines):
        features, _, label = line.rpartition(",")
        found.append(line if number % 5 else f"{features},{label.replace(label.strip(), other[label.strip()])}")
    return found


def test_a_better_model_is_promoted(world: World) -> None:
    world.training.edit("params.yaml", "estimator: linear", "estimator: hist_gradient_boosting")
    answered = world.answer()
    assert (answered.status, answered.outputs["verdict"]) == ("scored", "promote")
    assert "Promote" in answered.first
    assert "roc_auc gets better by" in answered.comment
    assert "<summary>What changed: parameters alone</summary>" in answered.comment
    assert answered.outputs["look"]


def test_a_worse_model_is_rejected(world: World) -> None:
    world.training.edit("params.yaml", "estimator: linear", "estimator: dummy")
    answered = world.answer()
    assert answered.outputs["verdict"] == "reject"
    assert "Reject" in answered.first
    assert "roc_auc" in answered.first_sight


def test_a_column_that_mains_contract_forbids_is_rejected_however_good_the_numbers_are(world: World) -> None:
    world.training.give_role(world.forbidden, "forbidden", "feature")
    answered = world.answer()
    assert answered.outputs["verdict"] == "reject"
    assert f"The challenger uses {world.forbidden}, which the contract forbids." in answered.comment


def test_code_that_is_only_written_otherwise_is_held_as_no_change_and_spends_no_look(world: World) -> None:
    code = world.training.project / world.training.package / "train.py"
    code.write_text(f"{code.read_text(encoding='utf-8')}\n# Nothing else.\n", encoding="utf-8")
    answered = world.answer()
    assert (answered.status, answered.outputs["verdict"]) == ("scored", "hold")
    assert "every prediction and score of the two models is the same" in answered.comment
    assert "What changed: code alone." in answered.first
    assert answered.outputs["look"] == ""


def test_documents_alone_train_nothing(world: World) -> None:
    (world.training.project / "README.md").write_text("Other words\n", encoding="utf-8")
    answered = world.answer()
    assert answered.status == "nothing-relevant-changed"
    assert answered.first.startswith("**Nothing to compare.**")
    assert not (world.training.project / "run").exists()


def test_appended_rows_are_counted_and_both_models_answer_them(world: World) -> None:
    added = later_rows(world)
    edit_rows(world, lambda lines: [*lines, *added])
    answered = world.answer()
    assert answered.status == "scored"
    assert answered.outputs["verdict"] == "hold"
    assert f"{len(added):,} rows added" in answered.comment
    assert "<summary>What changed: data alone</summary>" in answered.comment
    before = json.loads((world.training.cached / "run.json").read_text(encoding="utf-8"))["data"]["evaluation_rows"]
    assert f"{before:,} |" not in answered.comment.split("###")[0]  # the table says how many answered now


def test_other_labels_are_counted_and_named(world: World) -> None:
    edit_rows(world, relabelled)
    answered = world.answer()
    assert answered.status == "scored"
    assert answered.outputs["verdict"] in ("hold", "reject")  # both models answer the new labels
    assert re.search(r"main was evaluated on, [1-9][\d,]* have another label", answered.comment)
    assert re.search(r"[1-9][\d,]* relabelled", answered.comment)


def test_a_policy_that_a_pull_request_loosens_does_not_judge_it(world: World) -> None:
    world.training.edit("params.yaml", "estimator: linear", "estimator: dummy")
    world.training.edit("model-review.toml", 'fail_on = ["reject"]', "fail_on = []")
    world.training.edit("model-review.toml", 'metric = "roc_auc"\nmin = 0.55', 'metric = "roc_auc"\nmin = 0.1')
    answered = world.answer()
    assert answered.outputs["verdict"] == "reject"
    assert "The run ended as `failure`" in answered.comment
    assert "policy" in answered.comment.split("| rule |")[0].lower()


def test_code_that_does_not_train_is_answered_without_a_verdict(world: World) -> None:
    path = f"{world.training.package}/train.py"
    world.training.edit(path, "def train(", "raise ValueError('broken')\n\n\ndef train(")
    answered = world.answer()
    assert (answered.outputs["outcome"], answered.outputs["verdict"]) == ("missing", "")
    assert "No comparison" in answered.first
    assert "broken" not in answered.comment  # what a run printed is not repeated


def test_a_better_model_on_fewer_rows_than_mains_is_held_for_a_person(world: World) -> None:
    world.training.edit("params.yaml", "estimator: linear", "estimator: hist_gradient_boosting")
    edit_rows(world, lambda lines: [line for number, line in enumerate(lines) if number % 5])
    answered = world.answer()
    assert (answered.status, answered.outputs["verdict"]) == ("scored", "hold")
    assert re.search(r"[1-9][\d,]* removed", answered.comment)
    assert re.search(r"of the rows that main was evaluated on, [1-9][\d,]* are gone", answered.first_sight)


def held_as_another_question(answered: Answered, says: str) -> None:
    """Not comparable, with the reason that main's side was found to have; and no false reason beside it."""
    assert (answered.status, answered.outputs["outcome"], answered.outputs["verdict"]) == (
        "other-question",
        "judged",
        "hold",
    )
    assert "Not comparable" in answered.first_sight
    assert says in answered.first_sight
    assert "main's model answers another question" in answered.first_sight
    assert "what it predicts" not in answered.comment
    assert answered.outputs["look"] == ""


@pytest.mark.parametrize("world", ["demo"], indirect=True)
def test_another_task_is_held_and_says_that_main_answers_another_question(world: World) -> None:
    world.training.give_role("churned", "target", "unused")
    world.training.give_role("monthly_fee", "feature", "target")
    world.training.edit("contract.yaml", "{property: task, value: binary}", "{property: task, value: regression}")
    world.training.edit("params.yaml", "threshold: {metric: f1, folds: 3}", "threshold: null")
    world.training.edit("params.yaml", "linear: {C: 1.0}", "linear: {alpha: 1.0}")
    held_as_another_question(world.answer(), "task was 'binary' and becomes 'regression'")


@pytest.mark.parametrize("world", ["demo"], indirect=True)
def test_another_target_that_keeps_mains_as_a_feature_is_held_and_is_no_leak(world: World) -> None:
    world.training.give_role("churned", "target", "feature")
    world.training.edit(
        "contract.yaml",
        "{property: roles, value: [feature, sensitive]}\n      - name: age",
        '{property: roles, value: [target]}\n          - {property: positiveClass, value: "male"}\n      - name: age',
    )
    held_as_another_question(world.answer(), "target was 'churned' and becomes 'gender'")
