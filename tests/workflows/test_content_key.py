"""The content key changes exactly when something changes that determines a run."""

from pathlib import Path

import pytest
from repositories import commit, git

from model_review.content_key import content_key

FILES = {
    "src__shop__train_dot_py": "train = 1\n",
    "data__shop_dot_csv": "a,b\n1,2\n",
    "params_dot_yaml": "seed: 0\n",
    "uv_dot_lock": "version = 1\n",
    "contract_dot_yaml": "servers: [{path: data/shop.csv}]\nschema: []\n",
    "pyproject_dot_toml": "[project]\nname = 'shop'\n",
    "_dot_python-version": "3.11\n",
    "_dot_gitattributes": "*.csv text eol=lf\n",  # it decides which bytes are checked out
    "README_dot_md": "Shop\n",
    "tests__test_shop_dot_py": "",
    "model-review_dot_toml": "schema = 1\n",
    "Dockerfile": "FROM scratch\n",
    "deploy__compose_dot_yaml": "services: {}\n",
}
RELEVANT = list(FILES)[:8]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project's repository with one commit."""
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    commit(tmp_path, **FILES)
    return tmp_path


@pytest.mark.parametrize("name", RELEVANT)
def test_each_thing_that_determines_a_run_changes_the_key(project: Path, name: str) -> None:
    before = content_key(project, "HEAD")
    commit(project, **{name: FILES[name] + "# more\n"})
    assert content_key(project, "HEAD") != before


def test_a_file_deep_in_the_code_or_a_new_table_changes_the_key(project: Path) -> None:
    keys = [content_key(project, "HEAD")]
    for name in ("src__shop__deep__er_dot_py", "data__more__extra_dot_csv"):
        commit(project, **{name: "1\n"})
        keys.append(content_key(project, "HEAD"))
    assert len(set(keys)) == 3


@pytest.mark.parametrize("name", [name for name in FILES if name not in RELEVANT])
def test_documents_tests_and_policy_leave_the_key(project: Path, name: str) -> None:
    before = content_key(project, "HEAD")
    commit(project, **{name: "something else\n"})
    assert content_key(project, "HEAD") == before


def test_equal_content_has_one_key_whatever_its_history(project: Path) -> None:
    first = git(project, "rev-parse", "HEAD")
    commit(project, params_dot_yaml="seed: 1\n")
    commit(project, params_dot_yaml=FILES["params_dot_yaml"])
    assert content_key(project, "HEAD") == content_key(project, first)


def test_the_work_tree_does_not_matter(project: Path) -> None:
    before = content_key(project, "HEAD")
    (project / "params.yaml").write_text("seed: 7\n", encoding="utf-8")
    assert content_key(project, "HEAD") == before


def test_another_system_has_another_key(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = []
    for system in ("Linux", "macOS"):
        monkeypatch.setenv("RUNNER_OS", system)
        keys.append(content_key(project, "HEAD"))
    assert keys[0] != keys[1]


@pytest.mark.parametrize("name", ["uv_dot_lock", "_dot_python-version", "data__shop_dot_csv", "contract_dot_yaml"])
def test_an_absent_file_is_a_content_of_its_own(project: Path, name: str) -> None:
    before = content_key(project, "HEAD")
    commit(project, **{name: None})
    assert content_key(project, "HEAD") != before


def test_a_table_in_a_folder_that_is_set_apart_counts_and_its_neighbour_does_not(project: Path) -> None:
    commit(project, contract_dot_yaml="servers: [{path: tests/shop.csv}]\n", tests__shop_dot_csv="1\n")
    before = content_key(project, "HEAD")
    commit(project, tests__other_dot_csv="1\n")
    assert content_key(project, "HEAD") == before
    commit(project, tests__shop_dot_csv="2\n")
    assert content_key(project, "HEAD") != before


@pytest.mark.parametrize("name", ["review_dot_py", "lib__score_dot_py", "tables__more_dot_csv", "Makefile", "README"])
def test_what_is_not_known_counts_so_that_no_change_can_hide(project: Path, name: str) -> None:
    before = content_key(project, "HEAD")
    commit(project, **{name: "1\n"})
    assert content_key(project, "HEAD") != before


def test_a_project_in_a_folder_of_its_repository_is_keyed_alone(project: Path) -> None:
    commit(project, **{f"models__shop__{name}": content for name, content in FILES.items()})
    inner = project / "models/shop"
    before = content_key(inner, "HEAD")
    commit(project, params_dot_yaml="seed: 1\n")
    assert content_key(inner, "HEAD") == before
    commit(project, models__shop__params_dot_yaml="seed: 2\n")
    assert content_key(inner, "HEAD") != before


def test_a_resolved_lock_stands_in_for_one_that_is_not_committed(project: Path) -> None:
    commit(project, uv_dot_lock=None)
    keys = {content_key(project, "HEAD", lock=lock) for lock in (None, b"one", b"two")}
    assert len(keys) == 3
