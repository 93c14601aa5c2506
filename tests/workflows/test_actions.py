"""The reusable actions keep their own rules, and what is put into them arrives."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from repositories import ACTIONS, commit, content, demand_shellcheck, git, merge, step

from model_review.step_files import write_summary

FOLDERS = sorted(file.parent for file in ACTIONS.glob("*/action.yml"))
needs_uv = pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not on the PATH")


def tool(name: str) -> str:
    """A program beside this Python."""
    return str(Path(sys.executable).parent / name)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_readmes_tables_are_those_of_action_yml(folder: Path) -> None:
    assert (folder / "README.md").read_text(encoding="utf-8") == writer().rendered(folder), "run write_readmes.py"


def test_the_index_lists_every_action() -> None:
    assert (ACTIONS.parents[1] / "docs/actions.md").read_text(encoding="utf-8") == writer().index()


def writer() -> Any:
    """The script that writes the pages' tables."""
    spec = importlib.util.spec_from_file_location("write_readmes", ACTIONS / "write_readmes.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_inputs_are_described_used_and_never_part_of_a_script(folder: Path) -> None:
    action = content(folder)
    text = (folder / "action.yml").read_text(encoding="utf-8")
    for name, one in action.get("inputs", {}).items():
        assert one["description"]
        assert re.search(rf"inputs\.{name}\b", text), f"{name} is used nowhere"
    for one in action.get("outputs", {}).values():
        assert one["description"]
    for part in action["runs"]["steps"]:
        assert part["name"]
        if "run" in part:
            assert part["shell"] == "bash"
            assert "${{" not in part["run"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_what_is_used_is_pinned_by_commit_with_its_version(folder: Path) -> None:
    for line in (folder / "action.yml").read_text(encoding="utf-8").splitlines():
        if "uses:" in line and "using:" not in line:
            assert re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*$", line), line


def test_one_action_saves_a_cache_and_only_where_it_is_asked_to() -> None:
    saving = []
    for folder in FOLDERS:
        for one in content(folder)["runs"]["steps"]:
            used = one.get("uses", "")
            assert not used.startswith("actions/cache@")  # that one saves at the job's end, asked or not
            if used.startswith("actions/cache/save@"):
                saving.append((folder.name, one["if"].split(" && ")[0]))
            if used.startswith("astral-sh/setup-uv@") and one["with"]["enable-cache"] == "true":
                assert one["with"]["save-cache"] == "${{ inputs.save-cache }}"
                assert content(folder)["inputs"]["save-cache"]["default"] == "false"
    assert saving == [("train", "inputs.save == 'true'")]
    assert content(ACTIONS / "train")["inputs"]["save"]["default"] == "false"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_an_action_that_takes_a_token_hands_none_to_an_installer(folder: Path) -> None:
    taken = [name for name in content(folder).get("inputs", {}) if name.endswith(("token", "password"))]
    for one in content(folder)["runs"]["steps"]:
        if taken and one.get("uses", "").startswith("astral-sh/setup-uv@"):
            assert one["with"]["github-token"] == ""  # left out, it would be the job's


def test_every_script_parses_and_linters_find_nothing() -> None:
    scripts = sorted(ACTIONS.glob("*/*.sh"))
    files = [str(folder / "action.yml") for folder in FOLDERS]
    for command in (
        ["bash", "-n", *map(str, scripts)],
        [tool("check-jsonschema"), "--builtin-schema", "vendor.github-actions", *files],
        [tool("zizmor"), "--pedantic", "--offline", "--no-progress", str(ACTIONS)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_shellcheck_finds_nothing(tmp_path: Path) -> None:
    demand_shellcheck()
    blocks = [step["run"] for folder in FOLDERS for step in content(folder)["runs"]["steps"] if "run" in step]
    for number, block in enumerate(blocks):
        (tmp_path / f"block{number}.sh").write_text(f"#!/usr/bin/env bash\n{block}", encoding="utf-8")
    scripts = [*ACTIONS.glob("*/*.sh"), *tmp_path.glob("*.sh")]
    done = subprocess.run(["shellcheck", *map(str, scripts)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["champion", "compare"])
def test_every_input_that_is_meant_for_the_engine_reaches_it_as_one_word(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / "setup").mkdir()
    (tmp_path / "setup/engine.sh").write_text('printf "%s\\n" "$@"\n', encoding="utf-8")
    engine_step = next(one for one in content(ACTIONS / name)["runs"]["steps"] if "engine.sh" in one.get("run", ""))
    inputs = {one for one in content(ACTIONS / name)["inputs"] if one != "base-key"}  # that one is the cache's
    values = {f"${{{{ inputs.{one} }}}}": f"{one} $(x) `y`'" for one in inputs}
    assert set(engine_step["env"].values()) == set(values)
    given = {key: values[expression] for key, expression in engine_step["env"].items()}
    given |= {"PATH": os.environ["PATH"], "RUNNER_TEMP": "t", "GITHUB_ACTION_PATH": str(tmp_path / name)}
    script = ["bash", "-c", engine_step["run"]]
    done = subprocess.run(script, env=given, capture_output=True, text=True, check=True)
    assert sorted(line.partition("=")[2] for line in done.stdout.splitlines() if "=" in line) == sorted(values.values())


def test_a_summary_that_github_would_drop_whole_is_cut_at_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    line = "\u00e4" * 99 + "\n"
    write_summary(line * 10_000)
    assert 900_000 < file.stat().st_size < 2**20
    *kept, blank, last = file.read_text(encoding="utf-8").splitlines()
    assert set(kept) == {line.strip()}  # no line, and no letter, is cut
    assert (blank, last) == ("", "The rest is in the HTML report.")


@needs_uv
def test_retrain_reaches_the_engine(tmp_path: Path) -> None:
    workspace, scratch = tmp_path / "workspace", tmp_path / "scratch"
    for folder in (workspace, scratch):
        folder.mkdir()
    git(workspace, "init", "--quiet", "--initial-branch", "main")
    rules = {"model-review_dot_toml": "# policy\n"}
    base = commit(workspace, contract_dot_yaml="schema: []\n", uv_dot_lock="version = 1\n", **rules)
    head = commit(workspace, README_dot_md="more\n")
    merge(workspace, base, head)
    told = {
        retrain: step(ACTIONS / "setup", "Find main's side", workspace, scratch, retrain=retrain)
        for retrain in ("false", "true")
    }
    assert {retrain: one["train"] for retrain, one in told.items()} == {"false": "false", "true": "true"}
    assert told["true"]["base-commit"] == base
    assert told["true"]["base-key"] == told["true"]["key"]


def look(challenger: str, evaluation: str = "e") -> str:
    """A look as the comment action hands it over."""
    digests = {"challenger_key": challenger, "champion_key": "c", "evaluation_digest": evaluation}
    given = {name: "sha256:" + letter * 64 for name, letter in digests.items()}
    return json.dumps(given | {"row_count": 500, "time": "2026-01-31T12:00:00Z", "alpha": 0.00125, "sketch": ""})


@needs_uv
def test_the_ledger_keeps_every_look_once_also_where_two_race(tmp_path: Path) -> None:
    remote, scratch, workspace = tmp_path / "owner/shop", tmp_path / "scratch", tmp_path / "workspace"
    for folder in (remote, scratch, workspace):
        folder.mkdir(parents=True)
    git(remote, "init", "--quiet", "--bare")
    server = {"GITHUB_SERVER_URL": tmp_path.as_uri(), "GITHUB_REPOSITORY": "owner/shop"}

    def append(one: str) -> None:
        token = {"github-token": "t0ken"}
        step(ACTIONS / "ledger", "Append the look", workspace, scratch, look=one, figure="", **token, **server)

    def kept() -> list[str]:
        lines = git(remote, "show", "model-review:ledger.jsonl").splitlines()
        return [json.loads(line)["challenger_key"][7] for line in lines]

    append(look("a"))
    append(look("b"))
    append(look("a"))
    assert kept() == ["a", "b"]
    assert git(remote, "rev-list", "--count", "model-review") == "2"
    script = ["bash", str(ACTIONS / "ledger/append.sh")]
    known = os.environ | server | {"RUNNER_TEMP": str(scratch), "TOKEN": "t0ken"}
    racing = [subprocess.Popen(script, env=known | {"LOOK": look(one)}, cwd=workspace) for one in "df"]
    assert [one.wait() for one in racing] == [0, 0]
    assert sorted(kept()) == ["a", "b", "d", "f"]
    assert "t0ken" not in git(remote, "log", "--patch", "model-review")
    assert not list(scratch.glob("ledger.*"))  # and no copy with it is left


@needs_uv
def test_a_look_that_is_none_is_refused_and_makes_no_branch(tmp_path: Path) -> None:
    remote, scratch = tmp_path / "owner/shop", tmp_path / "scratch"
    for folder in (remote, scratch):
        folder.mkdir(parents=True)
    git(remote, "init", "--quiet", "--bare")
    known = {"GITHUB_SERVER_URL": tmp_path.as_uri(), "GITHUB_REPOSITORY": "owner/shop", "RUNNER_TEMP": str(scratch)}
    script = ["bash", str(ACTIONS / "ledger/append.sh")]
    for given in ("{}", look("a", "e; id")):
        done = subprocess.run(
            script, env=os.environ | known | {"LOOK": given}, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
    assert git(remote, "for-each-ref") == ""
