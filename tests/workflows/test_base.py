"""Main's side is the first parent of the merge commit that is checked out, and it gives the rules that judge."""

import json
from pathlib import Path

import pytest
from repositories import commit, git, merge

from model_review.base import base_commit, find_base
from model_review.errors import ReviewError

CONTRACT = """\
servers: [{{path: data/shop.csv}}]
schema:
  - customProperties: [{{property: task, value: {task}}}]
    properties:
      - {{name: a, customProperties: [{{property: roles, value: [feature]}}]}}
      - {{name: {target}, customProperties: [{{property: roles, value: [target]}}]}}
"""
ASKED = CONTRACT.format(task="binary", target="b")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository whose main has everything."""
    repository = tmp_path / "project"
    repository.mkdir()
    git(repository, "init", "--quiet", "--initial-branch", "main")
    commit(repository, contract_dot_yaml=ASKED, params_dot_yaml="seed: 0\n", **{"model-review_dot_toml": "# main's\n"})
    return repository


def pull_request(project: Path, **files: str | None) -> tuple[str, str]:
    """Merge a branch with these changes; main's commit and the branch's."""
    base = git(project, "rev-parse", "main")
    git(project, "checkout", "--quiet", "-B", "branch", "main")
    head = commit(project, **files)
    merge(project, base, head)
    return base, head


def test_the_first_parent_is_main_even_where_main_moved_on(project: Path) -> None:
    base, _ = pull_request(project, params_dot_yaml="seed: 1\n")
    git(project, "checkout", "--quiet", "main")
    commit(project, README_dot_md="later\n")
    git(project, "checkout", "--quiet", "-")
    assert base_commit(project, None) == base


def test_without_a_merge_commit_it_says_why(project: Path) -> None:
    with pytest.raises(ReviewError, match="conflicts with main"):
        base_commit(project, None)


def test_a_clone_of_depth_one_says_what_depth_is_needed(project: Path, tmp_path: Path) -> None:
    pull_request(project, params_dot_yaml="seed: 1\n")
    git(project, "branch", "merged")
    for depth, enough in ((1, False), (2, True)):
        clone = tmp_path / f"depth{depth}"
        git(tmp_path, "clone", "--quiet", "--depth", str(depth), "--branch", "merged", project.as_uri(), str(clone))
        if enough:
            assert base_commit(clone, None) == git(project, "rev-parse", "main")
        else:
            with pytest.raises(ReviewError, match="fetch-depth: 2"):
                base_commit(clone, None)


def test_in_a_merge_group_the_event_names_main(project: Path, tmp_path: Path) -> None:
    base, head = pull_request(project, params_dot_yaml="seed: 1\n")
    merge(
        project,
        git(project, "rev-parse", "HEAD"),
        git(project, "commit-tree", f"{head}^{{tree}}", "-p", head, "-m", "x"),
    )
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"merge_group": {"base_sha": base}}), encoding="utf-8")
    assert base_commit(project, event) == base
    for given, says in (("0" * 40, "fetch-depth: 0"), ("main; id", "full commit"), (None, "full commit")):
        event.write_text(json.dumps({"merge_group": {"base_sha": given}}), encoding="utf-8")
        with pytest.raises(ReviewError, match=says):
            base_commit(project, event)


def test_policy_and_contract_are_mains_whatever_the_pull_request_says(project: Path, tmp_path: Path) -> None:
    loosened = {"model-review_dot_toml": "# loosened\n", "contract_dot_yaml": ASKED + "# loosened\n"}
    pull_request(project, **loosened)
    found = find_base(project, tmp_path / "base")
    assert found.status == "found"
    assert (tmp_path / "base/model-review.toml").read_text(encoding="utf-8") == "# main's\n"
    assert (tmp_path / "base/contract.yaml").read_text(encoding="utf-8") == ASKED


def test_documents_alone_train_nothing_unless_somebody_asks(project: Path, tmp_path: Path) -> None:
    pull_request(project, README_dot_md="more\n")
    found = find_base(project, tmp_path)
    assert found.status == "nothing-relevant-changed"
    assert "nothing is trained" in found.sentence
    assert "policy" not in found.sentence
    assert find_base(project, tmp_path, forced=True).status == "found"


def test_a_changed_policy_alone_trains_nothing_and_is_told(project: Path, tmp_path: Path) -> None:
    pull_request(project, **{"model-review_dot_toml": "# loosened\n"})
    found = find_base(project, tmp_path)
    assert found.status == "nothing-relevant-changed"
    assert "The policy changed" in found.sentence


@pytest.mark.parametrize(
    ("files", "kinds"),
    [
        ({"params_dot_yaml": "seed: 1\n"}, ["parameters"]),
        ({"uv_dot_lock": "newer\n"}, ["dependencies"]),
        ({"uv_dot_lock": "newer\n", "pyproject_dot_toml": "[project]\n"}, ["dependencies"]),
        ({"pyproject_dot_toml": "[tool.ours]\n"}, ["code"]),  # where the lock stays, it required nothing new
        ({"data__shop_dot_csv": "a,b\n"}, ["data"]),
        ({"src__train_dot_py": "pass\n", "params_dot_yaml": "seed: 1\n"}, ["code", "parameters"]),
        ({"contract_dot_yaml": ASKED + "# more\n", "tests__test_it_dot_py": "pass\n"}, ["contract"]),
        ({"README_dot_md": "more\n"}, []),
    ],
    ids=lambda value: ", ".join(value) or "nothing",
)
def test_what_determines_a_run_and_changes_is_told_by_its_kind(
    project: Path, tmp_path: Path, files: dict[str, str], kinds: list[str]
) -> None:
    pull_request(project, **files)
    assert find_base(project, tmp_path, forced=True).changed == kinds


def test_a_main_without_a_contract_is_the_first_run_under_the_pull_requests_own_rules(
    project: Path, tmp_path: Path
) -> None:
    git(project, "checkout", "--quiet", "main")
    commit(project, contract_dot_yaml=None, **{"model-review_dot_toml": None})
    pull_request(project, contract_dot_yaml=ASKED, **{"model-review_dot_toml": "# first\n"})
    found = find_base(project, tmp_path)
    assert found.status == "first-run"
    assert len(found.warnings) == 2
    assert (tmp_path / "model-review.toml").read_text(encoding="utf-8") == "# first\n"


def test_without_any_policy_there_is_one_sentence(project: Path, tmp_path: Path) -> None:
    git(project, "checkout", "--quiet", "main")
    commit(project, **{"model-review_dot_toml": None})
    pull_request(project, params_dot_yaml="seed: 2\n")
    with pytest.raises(ReviewError, match=r"model-review\.toml; write down"):
        find_base(project, tmp_path)


@pytest.mark.parametrize(
    ("task", "target", "says"), [("regression", "b", "task was 'binary'"), ("binary", "c", "target was 'b'")]
)
def test_another_task_or_target_is_another_question(
    project: Path, tmp_path: Path, task: str, target: str, says: str
) -> None:
    pull_request(project, contract_dot_yaml=CONTRACT.format(task=task, target=target))
    found = find_base(project, tmp_path)
    assert found.status == "other-question"
    assert says in found.sentence


def test_a_contract_that_names_its_task_for_the_first_time_asks_what_it_asked(project: Path, tmp_path: Path) -> None:
    git(project, "checkout", "--quiet", "main")
    commit(project, contract_dot_yaml=ASKED.replace("customProperties: [{property: task, value: binary}]", "name: t"))
    pull_request(project, contract_dot_yaml=ASKED)
    assert find_base(project, tmp_path).status == "found"


@pytest.mark.parametrize(
    "unreadable",
    [
        "schema: [{properties: [amount]}]\n",
        "schema: [{customProperties: [task], properties: [{name: b, customProperties: {roles: target}}]}]\n",
        "schema: 5\n",
        "schema: !!timestamp never\n",
        "schema: [1:" + "0:" * 400 + "0.5]\n",  # a number to the base of 60, too large to be one
    ],
    ids=["a name for a column", "a mapping for a list", "a number", "no time", "too large"],
)
def test_a_contract_that_cannot_be_read_is_for_training_to_refuse(
    project: Path, tmp_path: Path, unreadable: str
) -> None:
    pull_request(project, contract_dot_yaml=unreadable)
    assert find_base(project, tmp_path).status == "found"


def test_a_pull_request_that_adds_the_contract_is_no_first_run(project: Path, tmp_path: Path) -> None:
    git(project, "checkout", "--quiet", "main")
    commit(project, contract_dot_yaml=None)
    pull_request(project, contract_dot_yaml=ASKED)
    found = find_base(project, tmp_path)
    assert found.status == "found"
    assert found.warnings == ["Main has no contract.yaml yet, so the pull request's own judges it."]


def test_a_project_without_any_contract_is_reviewed_and_leaves_no_earlier_one_behind(
    project: Path, tmp_path: Path
) -> None:
    git(project, "checkout", "--quiet", "main")
    commit(project, contract_dot_yaml=None)
    pull_request(project, params_dot_yaml="seed: 2\n")
    (tmp_path / "contract.yaml").write_text(ASKED, encoding="utf-8")
    found = find_base(project, tmp_path)
    assert (found.status, found.warnings) == ("found", [])
    assert not (tmp_path / "contract.yaml").exists()


def test_without_a_lock_mains_key_waits_for_the_result(project: Path, tmp_path: Path) -> None:
    git(project, "checkout", "--quiet", "main")
    commit(project, pyproject_dot_toml="[project]\nname = 'shop'\n")
    pull_request(project, params_dot_yaml="seed: 1\n")
    found = find_base(project, tmp_path)
    assert found.key is None
    assert found.warnings == []  # whether anything is resolved, the champion's commands say


def test_a_folder_without_git_says_so(tmp_path: Path) -> None:
    with pytest.raises(ReviewError, match="not a git repository"):
        base_commit(tmp_path, None)
