"""Which commit of main a pull request is compared with, and what of it judges.

It is the first parent of the merge commit that is checked out, so that the two sides differ by this pull request alone.
"""

import os
import re
from pathlib import Path
from typing import Any

import yaml

from model_review.champion_record import ChampionRecord, Status
from model_review.content_key import changed_kinds, content_key
from model_review.errors import ReviewError
from model_review.files import read_json, write_text
from model_review.git import blob, commit_of, git
from model_review.text import plain
from model_review.yaml_faults import FAULTS

POLICY, CONTRACT = "model-review.toml", "contract.yaml"
EVENT_CAP = 32 * 2**20


def base_commit(repository: Path, event: Path | None) -> str:
    """Main's side: in a merge group its `base_sha`, else the first parent of the merge commit that is checked out."""
    given = _merge_group_base(event)
    if given is not None:
        found = commit_of(repository, given)
        if found is None:
            raise ReviewError(
                f"The merge group's base commit {given[:12]} is not in this clone; check out with fetch-depth: 0."
            )
        return found
    if commit_of(repository, "HEAD") is None:
        raise ReviewError(f"{plain(repository)} has no commit; commit the project first.")
    parents = git(repository, "show", "--no-patch", "--format=%P", "HEAD").split()
    if len(parents) < 2:
        raise ReviewError(
            "The commit that is checked out is no merge commit, so there is no main to compare with: GitHub makes none "
            "while the branch conflicts with main (merge main into it), and a clone of depth 1 does not know it "
            "(check out the pull request's merge with fetch-depth: 2)."
        )
    found = commit_of(repository, parents[0])
    if found is None:
        raise ReviewError(f"Main's commit {parents[0][:12]} is not in this clone; check out with fetch-depth: 2.")
    return found


def _merge_group_base(event: Path | None) -> str | None:
    if event is None or not event.is_file():
        return None
    group = read_json(event, EVENT_CAP).get("merge_group")
    if not isinstance(group, dict):
        return None
    sha = group.get("base_sha")
    if not isinstance(sha, str) or not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", sha):
        raise ReviewError(f"{plain(event)}: field merge_group.base_sha must be a full commit.")
    return sha


def find_base(repository: Path, out: Path, *, event: Path | None = None, forced: bool = False) -> ChampionRecord:
    """Write main's policy and contract to `out`, and say what has to be done.

    Args:
        repository: The checked-out project.
        out: Where `model-review.toml` and `contract.yaml` of main go.
        event: The payload of the workflow's event, for merge groups.
        forced: Train even where nothing changed that determines a run.
    """
    base = base_commit(repository, event)
    head = commit_of(repository, "HEAD")
    assert head is not None  # base_commit refused a repository without one
    warnings = []
    for name in (POLICY, CONTRACT):
        (out / name).unlink(missing_ok=True)
        content = blob(repository, base, name)
        if content is None:
            content = blob(repository, head, name)
            if content is not None:
                warnings.append(f"Main has no {name} yet, so the pull request's own judges it.")
        if content is not None:
            _put(out / name, content)
        elif name == POLICY:
            raise ReviewError(f"Neither main nor this pull request has {POLICY}; write down what a better model is.")
    own, key = content_key(repository, head), content_key(repository, base)
    status, sentence = _case(repository, base, head, own == key and not forced)
    # Without a pyproject.toml there is nothing that uv would lock.
    locked = blob(repository, base, "uv.lock") is not None or blob(repository, base, "pyproject.toml") is None
    return ChampionRecord(
        status=status,
        sentence=sentence,
        commit=base,
        key=key if locked else None,
        challenger_key=own,
        changed=changed_kinds(repository, base, head),
        warnings=warnings,
    )


def find_deployed(repository: Path, out: Path, deployed: str) -> ChampionRecord:
    """On main, before a release: main's own policy and contract judge, and the champion is what is in production.

    Args:
        repository: The checked-out project.
        out: Where main's `model-review.toml` and `contract.yaml` go.
        deployed: The commit that production was made from, or `none` before the first release.
    """
    head = commit_of(repository, "HEAD")
    if head is None:
        raise ReviewError(f"{plain(repository)} has no commit; commit the project first.")
    for name in (POLICY, CONTRACT):
        content = blob(repository, head, name)
        if content is None:
            raise ReviewError(f"Main has no {name}; a release is judged by it.")
        _put(out / name, content)
    own = content_key(repository, head)
    if deployed == "none":
        sentence = "First release: nothing is in production, so the floors alone decide."
        return ChampionRecord(status="first-run", sentence=sentence, commit=head, key=None, challenger_key=own)
    base = commit_of(repository, deployed) if re.fullmatch(r"[0-9a-f]{40,64}", deployed) else None
    if base is None:
        raise ReviewError(
            f"Production was made from commit {plain(deployed)}, which this clone does not hold; check out with "
            "fetch-depth: 0, or roll back to an image of main."
        )
    status, sentence = _case(repository, base, head, False)
    if status == "found":
        sentence = f"In production is the model of commit {base[:12]}."
    locked = blob(repository, base, "uv.lock") is not None
    key = content_key(repository, base) if locked else None
    return ChampionRecord(status=status, sentence=sentence, commit=base, key=key, challenger_key=own)


def _case(repository: Path, base: str, head: str, unchanged: bool) -> tuple[Status, str]:
    contract, policy = blob(repository, base, CONTRACT), blob(repository, base, POLICY)
    if contract is None and policy is None:
        sentence = f"First run: main ({base[:12]}) has neither {POLICY} nor {CONTRACT}, so there is no champion yet."
        return "first-run", sentence
    if unchanged:
        sentence = (
            "Nothing that determines the model changed (code, data, params, lock, Python), so nothing is trained."
        )
        if policy != blob(repository, head, POLICY):
            sentence += " The policy changed: it judges pull requests from the merge of this one on."
        return "nothing-relevant-changed", sentence
    before, after = _question(contract), _question(blob(repository, head, CONTRACT))
    for name, old in before.items():
        if name in after and old != after[name]:
            sentence = f"The {name} was {plain(repr(old))} and becomes {plain(repr(after[name]))}"
            return "other-question", f"{sentence}: main's model answers another question."
    return "found", f"Main's model is that of commit {base[:12]}."


def _question(contract: bytes | None) -> dict[str, Any]:
    """Task and target; empty where the contract cannot be read, which training then says."""
    try:
        table = yaml.load(contract or b"", Loader=yaml.CSafeLoader)["schema"][0]
        target = next(one["name"] for one in table["properties"] if "target" in _property(one, "roles"))
        task = _property(table, "task")
        return {"task": task, "target": target} if task else {"target": target}  # some name no task
    except (*FAULTS, StopIteration):
        return {}


def _property(entry: dict[str, Any], name: str) -> Any:
    return next((one["value"] for one in entry.get("customProperties", []) if one["property"] == name), [])


def _put(path: Path, content: bytes) -> None:
    try:
        write_text(path, content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ReviewError(f"{path.name} of main is not UTF-8 text (byte {error.start}); save it as UTF-8.") from None


def event_file() -> Path | None:
    """The payload of the event that started this workflow, where there is one."""
    name = os.environ.get("GITHUB_EVENT_PATH")
    return Path(name) if name else None
