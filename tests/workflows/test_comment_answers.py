"""What the one comment says: of a run, of main's rules, of looks; and when there is none."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from archives import archive
from fake_github import BOT, Event, Fault
from report_loop import BASE, HEAD, Changed, Loop
from worlds import CONTRACT, POLICY, World, write_run

from model_review.cli import main


@pytest.mark.parametrize("conclusion", ["failure", "timed_out", "cancelled"])
def test_a_run_without_a_comparison_says_so_once_with_a_link(loop: Loop, conclusion: str) -> None:
    loop.install_cml()
    for _ in range(2):
        run = loop.run(None, conclusion)
        _, found, _ = loop.comment(run)
    assert found["outcome"] == "missing"
    assert found["verdict"] == ""
    (comment,) = loop.ours()
    assert f"`{conclusion}`" in comment["body"]
    assert f"{loop.address}/actions/runs/{run})" in comment["body"]


def test_a_run_that_had_nothing_to_compare_says_so_in_one_line(loop: Loop) -> None:
    loop.comment(loop.run(archive(loop.comparisons["worse"]), "failure"))
    code, found, shown = loop.comment(loop.run(None))
    assert (code, found["outcome"], found["verdict"], found["look"]) == (0, "unchanged", "", "")
    assert "::warning::" not in shown.replace("::warning::CML is not installed", "")
    (comment,) = loop.ours()
    assert comment["body"].startswith("**Nothing to compare.**")
    assert "Reject" not in comment["body"]


def test_a_failed_run_names_its_job_and_step_as_text(loop: Loop) -> None:
    run = loop.run(None, "failure")
    steps = [{"name": "Install", "conclusion": "success"}, {"name": "Train `|` @you <b>", "conclusion": "failure"}]
    loop.fake.jobs[run] = [
        {"name": "quality", "conclusion": "success", "steps": []},
        {"name": "model", "conclusion": "failure", "steps": steps},
        {"name": "passed", "conclusion": "failure", "steps": []},
    ]
    loop.comment(run)
    body = loop.ours()[0]["body"]
    assert (
        "ended as `failure` in `model` (`Train \u02cb\u2223\u02cb @you \u2039b>`), `passed` and left no comparison"
        in body
    )
    loop.fake.faults.append(Fault("GET", "/jobs", 404, message="Not Found"))
    assert loop.comment(run)[0] == 0  # where they cannot be had, the comment comes without them
    assert "ended as `failure` and left no comparison" in loop.ours()[0]["body"]


def test_a_failed_run_with_a_comparison_says_both(loop: Loop) -> None:
    loop.comment(loop.run(archive(loop.comparisons["better"]), "failure"))
    body = loop.ours()[0]["body"]
    assert "Promote" in body
    assert "ended as `failure`" in body


def test_a_fork_is_found_by_its_head_and_spends_no_look(loop: Loop) -> None:
    loop.fake.pulls.clear()
    # A branch of the same name and commit in this repository must not be taken for the fork's.
    loop.fake.add_pull(7, HEAD, "patch-1", fork="eve/bank", base=BASE)
    loop.fake.add_pull(8, HEAD, "patch-1", base=BASE)
    _, found, _ = loop.comment(loop.run(archive(loop.comparisons["better"])))
    assert found["pull-request"] == "7"
    assert found["look"] == ""
    assert not loop.fake.by(BOT, 8)


def test_the_own_branchs_look_is_handed_on_as_checked_values(loop: Loop) -> None:
    _, found, _ = loop.comment(loop.run(archive(loop.comparisons["better"])))
    look = json.loads(found["look"])
    assert look["alpha"] == pytest.approx(0.025 / 20)
    assert look["challenger_key"].startswith("sha256:")


def test_the_trusted_ledger_counts_the_looks(loop: Loop) -> None:
    _, found, _ = loop.comment(loop.run(archive(loop.comparisons["better"])))
    assert "no ledger branch yet" in loop.ours()[0]["body"]
    look = json.loads(found["look"])
    earlier = [{**look, "challenger_key": "sha256:" + f"{place:064x}"} for place in range(20)]
    lines = "".join(json.dumps(one) + "\n" for one in earlier)
    loop.fake.files["model-review", "ledger.jsonl"] = lines.encode()
    _, found, _ = loop.comment(loop.run(archive(loop.comparisons["better"])))
    body = loop.ours()[0]["body"]
    assert "look 21 of 20" in body
    assert found["verdict"] == "hold"


def test_one_head_in_two_pull_requests_is_a_warning_since_nobody_gets_a_comment(loop: Loop) -> None:
    release = loop.fake.add_pull(8, HEAD, "faster-trees", base=BASE)
    release["base"]["ref"] = "release-1"
    code, found, shown = loop.comment(loop.run(archive(loop.comparisons["better"])))
    assert (code, found) == (0, {"outcome": "dropped"})
    assert "::warning::Pull requests 7, 8 have the same head commit" in shown
    assert not loop.fake.comments


STRANGER = {"full_name": "eve/bank", "owner": {"login": "octo"}}


GONE = [
    ("closed", lambda pull: pull.update(state="closed")),
    ("head moved on", lambda pull: pull["head"].update(sha="d4" * 20)),
    ("fork deleted", lambda pull: pull["head"].update(repo=None)),
    ("another repository's head", lambda pull: pull["head"].update(repo=STRANGER)),
]


@pytest.mark.parametrize("change", [change for _, change in GONE], ids=[name for name, _ in GONE])
@pytest.mark.parametrize("late", [False, True], ids=["before", "while judging"])
def test_nothing_is_posted_where_the_pull_request_moved_on(
    loop: Loop, change: Callable[[dict[str, Any]], None], late: bool
) -> None:
    loop.install_cml()
    run = loop.run(archive(loop.comparisons["better"]))
    if late:
        loop.fake.events.append(Event("GET", r"/contents/contract.yaml", lambda: change(loop.fake.pulls[7])))
    else:
        change(loop.fake.pulls[7])
    code, found, shown = loop.comment(run)
    assert (code, found) == (0, {"outcome": "dropped"})
    assert "Nothing posted" in shown
    assert "::warning::" not in shown  # the run of the new commit answers
    assert not loop.fake.comments


@pytest.mark.parametrize(
    "changes",
    [{"event": "push"}, {"event": "workflow_dispatch"}, {"conclusion": "action_required"}, {"conclusion": "skipped"}],
    ids=str,
)
def test_a_run_that_is_no_finished_pull_request_run_gets_no_comment(loop: Loop, changes: dict[str, str]) -> None:
    code, found, _ = loop.comment(loop.run(archive(loop.comparisons["better"]), **changes))
    assert (code, found) == (0, {"outcome": "dropped"})
    assert not loop.fake.comments


@pytest.mark.parametrize(
    ("old", "new"),
    [("margin = 0.01", "margin = 0.5"), ("min_effect = 0.002", "min_effect = 0.0"), ('"region"', '"sex"')],
)
def test_a_comparison_at_other_levels_than_the_bases_gets_no_verdict(loop: Loop, old: str, new: str) -> None:
    policy = loop.fake.files[BASE, "model-review.toml"]
    loop.fake.files[BASE, "model-review.toml"] = policy.replace(old.encode(), new.encode())
    _, found, _ = loop.comment(loop.run(archive(loop.comparisons["better"])))
    body = loop.ours()[0]["body"]
    assert found["outcome"] == "withheld"
    assert found["verdict"] == found["look"] == ""
    assert "Verdict withheld" in body
    assert "under another policy" in body
    assert "the run used the one at this branch's head" in body
    assert "Update branch" in body
    assert "Promote" not in body


def test_a_base_that_moved_on_since_the_run_is_told_and_what_to_do(loop: Loop) -> None:
    policy = loop.fake.files[BASE, "model-review.toml"]
    for sha in (BASE, HEAD):
        loop.fake.files[sha, "model-review.toml"] = policy.replace(b"margin = 0.01", b"margin = 0.02")
    loop.comment(loop.run(archive(loop.comparisons["better"])))
    body = loop.ours()[0]["body"]
    assert "the base branch's changed since the run, or the run used one of its own" in body
    assert "Update branch" in body


def compared(
    folder: Path, *arguments: str, policy: str = POLICY, contract: str = CONTRACT, champion: bool = True
) -> bytes:
    """A comparison by the engine, as another run of the workflow would make it."""
    world = World(rows=1000, seed=3)
    sides = {name: write_run(folder / name, world.frame(world.score(1.0, seed))) for seed, name in enumerate("ab")}
    (folder / "policy.toml").write_text(policy)
    (folder / "contract.yaml").write_text(contract)
    rules = ["--policy", str(folder / "policy.toml"), "--contract", str(folder / "contract.yaml")]
    given = ["--champion", str(sides["a"]) if champion else "none", "--challenger", str(sides["b"]), *rules]
    main(["compare", *given, "--out", str(folder / "out"), *arguments])
    return (folder / "out/comparison.json").read_bytes()


def test_a_run_that_says_it_used_the_bases_policy_and_did_not_is_told(loop: Loop) -> None:
    data = json.loads(compared(loop.folder, policy=POLICY + "[decision]\nalpha = 0.05\n"))
    data["settings"]["policy_digest"] = json.loads(loop.comparisons["better"])["settings"]["policy_digest"]
    _, found, _ = loop.comment(loop.run(archive(json.dumps(data).encode())))
    assert found["outcome"] == "withheld"
    assert "which the run says it used" in loop.ours()[0]["body"]


def test_another_contract_than_the_bases_gets_no_verdict(loop: Loop) -> None:
    loop.fake.files[BASE, "contract.yaml"] += b"# changed\n"
    _, found, _ = loop.comment(loop.run(archive(loop.comparisons["better"])))
    assert found["outcome"] == "withheld"
    assert "another contract" in loop.ours()[0]["body"]
    assert "Update branch" in loop.ours()[0]["body"]


@pytest.mark.parametrize("looked", [False, True], ids=["no ledger", "ledger"])
def test_a_first_run_is_not_believed_where_the_base_has_a_policy(loop: Loop, looked: bool) -> None:
    if looked:
        digests = dict.fromkeys(("evaluation_digest", "challenger_key", "champion_key"), "sha256:" + "4" * 64)
        look = digests | {"row_count": 5, "time": "2026-01-31T12:00:00Z", "alpha": 0.001, "sketch": ""}
        loop.fake.files["model-review", "ledger.jsonl"] = json.dumps(look).encode() + b"\n"
    _, found, _ = loop.comment(loop.run(archive(compared(loop.folder, champion=False))))
    body = loop.ours()[0]["body"]
    assert found["verdict"] == "hold"
    assert "main's model was left out" in body
    assert ("1 look at a champion" in body) is looked
    assert "Promote" not in body


REGRESSION = CONTRACT.replace("table\n", "table\n    customProperties: [{property: task, value: regression}]\n")
BY_ERROR = 'schema = "model-review/policy@1"\n[objective]\nmetric = "mae"\n'
OF_NUMBERS = "number, customProperties: [{property: roles, value: [feature]}]"
BY_AMOUNT = CONTRACT.replace("[target]", "[unused]").replace(OF_NUMBERS, OF_NUMBERS.replace("feature", "target"))


@pytest.mark.parametrize(
    ("policy", "contract", "says"),
    [
        (BY_ERROR, REGRESSION, "The contract that judges asks for regression, and this is binary"),
        (POLICY, BY_AMOUNT, "The contract that judges predicts amount, and this y"),
    ],
    ids=["task", "target"],
)
@pytest.mark.parametrize("forbidden", [False, True], ids=["clean", "leak"])
def test_a_claim_that_answers_another_question_than_mains_is_never_promoted(
    loop: Loop, policy: str, contract: str, says: str, forbidden: bool
) -> None:
    loop.fake.files[BASE, "model-review.toml"] = policy.encode()
    loop.fake.files[BASE, "contract.yaml"] = contract.encode()
    claim = json.loads(loop.comparisons["better"])
    claim["settings"] = json.loads(compared(loop.folder, policy=policy, contract=contract))["settings"]
    if policy != POLICY:  # no bound gates a group any more
        claim.update(slices=[], reversals=[])
    if forbidden:
        claim["challenger"]["features"].append("paid_back")
    _, found, shown = loop.comment(loop.run(archive(json.dumps(claim).encode())))
    assert found["outcome"] == "judged", shown
    assert found["verdict"] == ("reject" if forbidden else "hold")
    assert says in loop.ours()[0]["body"]
    assert "Promote" not in loop.ours()[0]["body"]


def test_a_champion_that_could_not_be_scored_keeps_its_own_reason(loop: Loop) -> None:
    unscored = compared(loop.folder, "--because", "Main fails to train: x.", champion=False)
    _, found, _ = loop.comment(loop.run(archive(unscored)))
    assert found["verdict"] == "hold"
    assert "Main fails to train" in loop.ours()[0]["body"]
    assert "left out" not in loop.ours()[0]["body"]


def test_what_the_run_warns_of_stands_above_the_evidence(loop: Loop, forged: Changed) -> None:
    loop.comment(loop.run(forged(lambda data: data["warnings"].insert(0, "Main has no uv.lock; commit one."))))
    body = loop.ours()[0]["body"]
    assert body.index("Main has no uv.lock; commit one.") < body.index("### Rules")


@pytest.mark.parametrize("policy", [None, b"[objective", b"\xff", b"x = 1\n" * 400_000])
def test_a_base_without_a_usable_policy_withholds_the_verdict(loop: Loop, policy: bytes | None) -> None:
    del loop.fake.files[BASE, "model-review.toml"]
    if policy is not None:
        loop.fake.files[BASE, "model-review.toml"] = policy
    code, found, shown = loop.comment(loop.run(archive(loop.comparisons["better"])))
    assert (code, found["outcome"]) == (0, "withheld"), shown
    assert str(loop.folder.parent) not in loop.ours()[0]["body"]


def test_a_policy_that_the_pull_request_loosens_is_named_and_not_obeyed(loop: Loop) -> None:
    loop.fake.files[HEAD, "model-review.toml"] = b"schema = 'model-review/policy@1'\n"
    loop.comment(loop.run(archive(loop.comparisons["worse"])))
    assert "changes the policy" in loop.ours()[0]["body"]
    assert "Reject" in loop.ours()[0]["body"]
