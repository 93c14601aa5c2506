"""The workflows of a generated project: least rights, pinned, timed, and clean for every linter."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from bake import bake
from hosted import fetch_depth
from repositories import ACTIONS, ROOT, content, demand_shellcheck

PLACEHOLDER = "model-review/model-review/.github/actions/"
NAMES = ("pull-request", "report", "release", "rollback")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workflows of a project whose actions come from another repository."""
    project = bake(tmp_path_factory.mktemp("rendered"), "actions_repository=acme/reviews")
    return project / ".github/workflows"


def workflow(folder: Path, name: str) -> dict[str, Any]:
    """A workflow; YAML 1.1 reads its key `on` as true."""
    loaded: dict[str, Any] = yaml.safe_load((folder / f"{name}.yml").read_text(encoding="utf-8"))
    return loaded


def jobs(folder: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """Every job of every workflow."""
    return [(name, job, one) for name in NAMES for job, one in workflow(folder, name)["jobs"].items()]


def test_linters_find_nothing(folder: Path) -> None:
    files = [str(folder / f"{name}.yml") for name in NAMES]
    updates = str(folder.parent / "dependabot.yml")
    tools = Path(sys.executable).parent
    for command in (
        [str(tools / "check-jsonschema"), "--builtin-schema", "vendor.github-workflows", *files],
        [str(tools / "check-jsonschema"), "--builtin-schema", "custom.github-workflows-require-timeout", *files],
        [str(tools / "zizmor"), "--pedantic", "--offline", "--no-progress", *files, updates],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_updates_wait_a_week_and_what_judges_a_model_has_an_owner(folder: Path) -> None:
    updates = yaml.safe_load((folder.parent / "dependabot.yml").read_text(encoding="utf-8"))["updates"]
    assert {"uv", "github-actions", "docker"} <= {one["package-ecosystem"] for one in updates}
    assert all(one["cooldown"]["default-days"] >= 7 for one in updates)
    lines = (folder.parent / "CODEOWNERS").read_text(encoding="utf-8").splitlines()
    owned = {line.split()[0] for line in lines if not line.startswith("#")}
    assert {"/model-review.toml", "/contract.yaml", "/.github/"} <= owned


def test_the_form_of_a_pull_request_says_how_its_report_is_read(folder: Path) -> None:
    form = (folder.parent / "pull_request_template.md").read_text(encoding="utf-8")
    guide = "https://github.com/acme/reviews/blob/main/docs/reading-a-report.md"
    assert guide in form
    assert (ROOT / guide.partition("/main/")[2]).is_file()
    assert all(word in form for word in ("promote", "hold", "reject"))


def test_shellcheck_finds_nothing_in_their_scripts_nor_in_ours(folder: Path, tmp_path: Path) -> None:
    demand_shellcheck()
    files = [*folder.glob("*.yml"), *(ROOT / ".github/workflows").glob("*.yml")]
    for file in files:
        for job, one in yaml.safe_load(file.read_text(encoding="utf-8"))["jobs"].items():
            for number, step in enumerate(one["steps"]):
                if "run" in step:
                    script = tmp_path / f"{file.stem}-{job}-{number}.sh"
                    script.write_text(f"#!/usr/bin/env bash\n{step['run']}", encoding="utf-8")
    scripts = [*tmp_path.glob("*.sh"), ROOT / ".ci/environment", ROOT / ".ci/run"]
    assert len(scripts) > len(files)
    done = subprocess.run(["shellcheck", *map(str, scripts)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_one_finding_is_ignored_and_says_why(folder: Path) -> None:
    ignored = re.findall(r"zizmor: ignore\[(.*?)\](.*)", "".join(path.read_text("utf-8") for path in folder.glob("*")))
    assert [rule for rule, _ in ignored] == ["dangerous-triggers"]
    assert len(ignored[0][1].split()) > 5


def test_actions_are_those_that_were_asked_for_by_full_commit(folder: Path) -> None:
    for path in folder.glob("*.yml"):
        text = path.read_text(encoding="utf-8")
        assert PLACEHOLDER not in text
        for line in re.findall(r"uses: .*", text):
            assert re.fullmatch(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*", line), line
    used = set(re.findall(r"acme/reviews/\.github/actions/(\w+)@", "".join(map(_text, folder.glob("*")))))
    released = {"deployed", "package", "bundle", "publish", "stage", "promote", "record"}
    assert used == {"setup", "train", "champion", "compare", "comment", "ledger"} | released


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_each_action_gets_inputs_that_it_has_and_all_that_it_requires(folder: Path) -> None:
    for _, _, job in jobs(folder):
        for step in job["steps"]:
            name = step.get("uses", "").partition("acme/reviews/.github/actions/")[2].partition("@")[0]
            # The comment action comes from the branch of the trusted half.
            if not name or not (ACTIONS / name / "action.yml").is_file():
                continue
            declared = yaml.safe_load((ACTIONS / name / "action.yml").read_text(encoding="utf-8")).get("inputs", {})
            given = set(step.get("with", {}))
            assert given <= set(declared)
            assert {one for one, about in declared.items() if about.get("required")} <= given


def test_rights_are_given_by_job_and_write_rights_in_the_trusted_workflow_alone(folder: Path) -> None:
    rights = {}
    for name, job, one in jobs(folder):
        assert workflow(folder, name)["permissions"] == {}
        rights[name, job] = one["permissions"]
    assert rights == {
        ("pull-request", "quality"): {"contents": "read"},
        ("pull-request", "model"): {"contents": "read"},
        ("pull-request", "passed"): {},
        ("report", "comment"): {"actions": "read", "contents": "read", "pull-requests": "write"},
        ("report", "ledger"): {"contents": "write"},
        ("release", "deployed"): dict.fromkeys(("actions", "contents", "packages", "pull-requests"), "read"),
        ("release", "model"): {"contents": "read"},
        ("release", "publish"): {"packages": "write"},
        ("release", "attest"): {"attestations": "write", "id-token": "write"},
        ("release", "staging"): {"packages": "read"},
        ("release", "approval"): {},
        ("release", "production"): {"contents": "read", "packages": "write"},
        ("release", "record"): {"contents": "write", "packages": "read"},
        ("rollback", "staging"): {"contents": "read", "packages": "read"},
        ("rollback", "approval"): {},
        ("rollback", "production"): {"contents": "read", "packages": "write"},
        ("rollback", "record"): {"contents": "write", "packages": "read"},
    }


def test_no_installer_gets_the_token_of_a_job_that_may_write(folder: Path) -> None:
    installing = set()
    for name, job, one in jobs(folder):
        if "write" not in one["permissions"].values():
            continue
        steps = list(one["steps"])
        for step in one["steps"]:
            used = step.get("uses", "").partition("acme/reviews/.github/actions/")[2].partition("@")[0]
            steps += content(ACTIONS / used)["runs"]["steps"] if used else []
        for step in steps:
            if step.get("uses", "").startswith("astral-sh/setup-uv@"):
                installing.add((name, job))
                assert step["with"]["github-token"] == ""  # left out, it would be the job's
    writing = {(name, job) for name, job, one in jobs(folder) if "write" in one["permissions"].values()}
    assert installing == writing - {("release", "attest")}


def test_no_expression_and_no_secret_stands_in_a_script(folder: Path) -> None:
    for _, _, job in jobs(folder):
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")
    for name in ("pull-request", "report"):
        assert "secrets." not in _text(folder / f"{name}.yml")
    named = set(re.findall(r"secrets\.(\w+)", _text(folder / "release.yml") + _text(folder / "rollback.yml")))
    assert named == {"REGISTRY_PASSWORD", "MLFLOW_TRACKING_TOKEN"}


def test_only_the_job_that_may_not_write_runs_the_project_s_code(folder: Path) -> None:
    runs_code = {"train", "champion", "package"}
    for name, job, one in jobs(folder):
        used = {step.get("uses", "").partition("/actions/")[2].partition("@")[0] for step in one["steps"]}
        if used & runs_code and name in ("release", "rollback"):
            assert (name, job) == ("release", "model")
            assert set(one["permissions"].values()) == {"read"}
            # The registry's account is given to jobs that run none of it.
            assert "REGISTRY_PASSWORD" not in str(one)
    attest = workflow(folder, "release")["jobs"]["attest"]["steps"]
    assert all("uses" not in step or step["uses"].startswith("actions/") for step in attest)


def test_production_moves_after_staging_was_probed_and_a_reviewer_agreed(folder: Path) -> None:
    for name in ("release", "rollback"):
        found = workflow(folder, name)["jobs"]
        assert "staging" in found["approval"]["needs"]
        assert "approval" in found["production"]["needs"]
        assert found["record"]["needs"] == "production"
        assert (found["staging"]["environment"], found["approval"]["environment"]) == ("staging", "production")
    assert {"publish", "attest"} <= set(workflow(folder, "release")["jobs"]["approval"]["needs"])


def test_production_is_moved_by_one_job_at_a_time_and_no_job_waits_for_a_reviewer_in_its_group(folder: Path) -> None:
    held: dict[str, set[tuple[str, str]]] = {}
    for name, job, one in jobs(folder):
        moves = any("/actions/promote@" in step.get("uses", "") for step in one["steps"])
        group = one.get("concurrency", {})
        # `queue`: of several that wait, GitHub would drop all but the last.
        wanted = {"group": "production", "cancel-in-progress": False, "queue": "max"}
        assert group == (wanted if moves else {}), (name, job)
        assert not (moves and "environment" in one)
        if moves:
            held.setdefault(group["group"], set()).add((name, job))
    assert held == {"production": {("release", "production"), ("rollback", "production")}}
    # A whole release keeps the others waiting, also while a reviewer thinks; a rollback never waits for one.
    assert workflow(folder, "release")["concurrency"] == {"group": "release", "cancel-in-progress": False}
    assert workflow(folder, "rollback")["concurrency"]["group"] == "rollback-${{ github.run_id }}"


def test_what_is_attested_has_the_types_that_the_check_before_production_demands(folder: Path) -> None:
    script = (ACTIONS / "promote/attested.sh").read_text(encoding="utf-8")
    given = [step["with"] for step in workflow(folder, "release")["jobs"]["attest"]["steps"] if "with" in step]
    types = {Path(one["predicate-path"]).name: one["predicate-type"] for one in given if "predicate-path" in one}
    assert sorted(types) == ["comparison.json", "model-card.json"]
    for document, kind in {**types, "sbom.cdx.json": "https://cyclonedx.org/bom"}.items():
        assert f"\n{document} {kind}\n" in script


def test_publishing_is_off_where_the_repository_says_so(folder: Path) -> None:
    found = workflow(folder, "release")["jobs"]
    assert found["deployed"]["if"] == found["publish"]["if"] == "vars.MODEL_REVIEW_PUBLISH != 'false'"
    last = ["publish", "attest", "staging", "approval", "production", "record"]
    for job in last[1:]:
        assert set(last) & {*([found[job]["needs"]] if isinstance(found[job]["needs"], str) else found[job]["needs"])}
    trained = [step for step in found["model"]["steps"] if "train@" in step.get("uses", "")]
    assert "if" not in trained[0]  # pull requests find main's run all the same


def test_the_trusted_workflow_checks_nothing_out_and_its_writer_reads_no_artifact(folder: Path) -> None:
    for job in workflow(folder, "report")["jobs"].values():
        assert not any("checkout" in step["uses"] or "run" in step for step in job["steps"])
    assert "actions" not in workflow(folder, "report")["jobs"]["ledger"]["permissions"]


def test_a_pull_request_saves_no_cache(folder: Path) -> None:
    for job in workflow(folder, "pull-request")["jobs"].values():
        for step in job["steps"]:
            assert not step.get("with", {}).get("save")
            assert step.get("with", {}).get("save-cache") in (None, False)
            if "setup-uv" in step.get("uses", ""):
                assert step["with"]["save-cache"] is False


def test_main_is_in_what_a_pull_request_and_a_merge_group_check_out(folder: Path) -> None:
    text = _text(folder / "pull-request.yml")
    # A merge commit has main as its first parent; a group's base may lie any number of merges back.
    depths = {event: fetch_depth(text, "model", event) for event in ("pull_request", "merge_group")}
    assert depths == {"pull_request": 2, "merge_group": 0}


def test_a_new_push_stops_the_run_before_it_and_reports_of_a_branch_wait_for_each_other(folder: Path) -> None:
    works = workflow(folder, "pull-request")["concurrency"]
    assert "${{ github.event.pull_request.number || github.ref }}" in works["group"]
    assert works["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"  # a queued group runs to its end
    answers = workflow(folder, "report")["concurrency"]
    for part in ("head_repository.full_name", "head_branch"):
        assert f"${{{{ github.event.workflow_run.{part} }}}}" in answers["group"]
    assert answers["cancel-in-progress"] is False  # what is half posted is finished


def test_a_run_that_is_not_answered_takes_no_waiting_report_s_place(folder: Path) -> None:
    page = (ROOT / "docs/adopting.md").read_text(encoding="utf-8")
    adopted = yaml.safe_load(re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[1])
    for found in (workflow(folder, "report"), adopted):
        group, answered = found["concurrency"]["group"], found["jobs"]["comment"]["if"]
        assert group.endswith(f"-${{{{ {answered} && 'answers' || github.run_id }}}}")


def test_pictures_are_drawn_where_the_repositorys_variable_opts_in(folder: Path) -> None:
    found = workflow(folder, "report")["jobs"]
    assert found["comment"]["steps"][0]["with"]["figures"] == "${{ vars.MODEL_REVIEW_FIGURES == 'true' }}"
    assert found["comment"]["outputs"]["figure"] == "${{ steps.comment.outputs.figure }}"
    assert found["ledger"]["steps"][0]["with"]["figure"] == "${{ needs.comment.outputs.figure }}"
    assert "needs.comment.outputs.figure != ''" in found["ledger"]["if"]


def test_the_required_job_waits_for_all_others_and_never_hides_behind_a_label(folder: Path) -> None:
    found = workflow(folder, "pull-request")["jobs"]
    last = found.pop("passed")
    assert set(last["needs"]) == set(found)
    assert last["if"] == "always()"
    without_effect = "github.event.action == 'labeled' && github.event.label.name != 'retrain'"
    assert last["name"] == f"${{{{ {without_effect} && 'label without effect' || 'passed' }}}}"
    for job in found.values():
        assert job["if"] == "github.event.action != 'labeled' || github.event.label.name == 'retrain'"
    assert "'label without effect'" in workflow(folder, "report")["jobs"]["comment"]["if"]
    assert f"{without_effect} && github.run_id" in workflow(folder, "pull-request")["concurrency"]["group"]
