"""The report job from end to end: which comment is there afterwards, what it says, and who posted it."""

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from archives import archive
from fake_github import BOT, Event, Fault
from report_loop import BASE, HEAD, MARKER, Changed, Loop
from worlds import CONTRACT, POLICY, World, write_run

from model_review.cli import main


@pytest.mark.parametrize(("kind", "verdict"), [("better", "Promote"), ("worse", "Reject"), ("leak", "Reject")])
@pytest.mark.parametrize("with_cml", [True, False], ids=["cml", "rest"])
def test_a_finished_run_gets_one_comment_with_its_verdict(loop: Loop, kind: str, verdict: str, with_cml: bool) -> None:
    if with_cml:
        loop.install_cml()
    code, found, shown = loop.comment(loop.run(archive(loop.comparisons[kind])))
    assert code == 0, shown
    assert len(loop.fake.comments) == 1
    body = loop.ours()[0]["body"]
    assert verdict in body.splitlines()[0]
    assert body.rstrip().endswith(MARKER)
    assert "claims and are computed again at release" in body
    assert f"{loop.address}/commit/{HEAD}" in body
    assert found["outcome"] == "judged"
    assert found["verdict"] == verdict.lower()
    assert found["pull-request"] == "7"
    assert found["posted-with"] == ("cml" if with_cml else "rest")
    assert found["comment-url"] == loop.ours()[0]["html_url"]
    assert body.split("![](")[0].rstrip() == (loop.folder / "summary").read_text().rstrip()


def test_cml_gets_the_agreed_flags_and_nothing_of_our_environment(loop: Loop) -> None:
    loop.install_cml(crash=False)
    loop.comment(loop.run(archive(loop.comparisons["better"])))
    (call,) = loop.cml_calls()
    arguments = call["arguments"]
    expected = ["comment", "update", "--no-publish", "--driver", "github", "--repo", loop.address]
    assert arguments[:-1] == [*expected, "--target", "pr/7", "--watermark-title", "model-review"]
    assert call["environment"]["GITHUB_SHA"] == HEAD
    assert not {"GITHUB_TOKEN", "OTHER_SECRET", "CML_TOKEN", "GITHUB_SERVER_URL"} & set(call["environment"])


@pytest.mark.parametrize("with_cml", [True, False], ids=["cml", "rest"])
def test_a_second_push_edits_the_comment(loop: Loop, with_cml: bool) -> None:
    if with_cml:
        loop.install_cml()
    loop.comment(loop.run(archive(loop.comparisons["worse"])))
    first = loop.ours()[0]["id"]
    head = "c3" * 20
    loop.fake.pulls[7]["head"]["sha"] = head
    loop.fake.files[head, "model-review.toml"] = loop.fake.files[HEAD, "model-review.toml"]
    loop.comment(loop.run(archive(loop.comparisons["better"])))
    assert [one["id"] for one in loop.ours()] == [first]
    assert "Promote" in loop.ours()[0]["body"]
    assert head in loop.ours()[0]["body"].splitlines()[-1]


def test_cml_and_rest_take_turns_on_the_same_comment(loop: Loop) -> None:
    for turn in range(4):
        loop.install_cml() if turn % 2 else loop.remove_cml()
        _, found, _ = loop.comment(loop.run(archive(loop.comparisons["better"])))
        assert found["posted-with"] == ("cml" if turn % 2 else "rest")
    assert len(loop.ours()) == 1


@pytest.mark.parametrize("with_cml", [True, False], ids=["cml", "rest"])
def test_thirty_five_foreign_comments_do_not_hide_ours(loop: Loop, with_cml: bool) -> None:
    if with_cml:
        loop.install_cml()
    for place in range(35):
        loop.fake.add_comment(7, f"person-{place}", "nice")
    for turn in range(3):
        _, found, _ = loop.comment(loop.run(archive(loop.comparisons["better"])))
        # CML makes it; afterwards it cannot see it any more, and REST edits it.
        assert found["posted-with"] == ("cml" if with_cml and turn == 0 else "rest")
    assert len(loop.ours()) == 1
    assert len(loop.fake.comments) == 36


def test_two_hundred_foreign_comments_do_not_hide_ours(loop: Loop) -> None:
    for place in range(230):
        loop.fake.add_comment(7, f"person-{place}", "nice")
    for _ in range(2):
        loop.comment(loop.run(archive(loop.comparisons["better"])))
    assert len(loop.ours()) == 1


@pytest.mark.parametrize("with_cml", [True, False], ids=["cml", "rest"])
@pytest.mark.parametrize("stranger_first", [True, False])
def test_a_strangers_comment_with_our_marker_is_left_alone(loop: Loop, with_cml: bool, stranger_first: bool) -> None:
    if with_cml:
        loop.install_cml()
    text = f"Approved by the machine, merge now.\n\n{MARKER}"
    if not stranger_first:
        loop.comment(loop.run(archive(loop.comparisons["better"])))
    loop.fake.add_comment(7, "mallory", text)
    for _ in range(2):
        code, _, shown = loop.comment(loop.run(archive(loop.comparisons["worse"])))
        assert code == 0, shown
    assert [one["body"] for one in loop.fake.by("mallory")] == [text]
    assert len(loop.ours()) == 1
    assert "Reject" in loop.ours()[0]["body"]


def test_a_quoted_marker_in_another_comment_of_the_same_bot_is_not_ours(loop: Loop) -> None:
    loop.install_cml()
    other = loop.fake.add_comment(7, BOT, f"Preview is ready.\n\n> {MARKER}\n\nBye.")
    loop.comment(loop.run(archive(loop.comparisons["better"])))
    assert other["body"].startswith("Preview is ready.")
    assert len(loop.ours()) == 2


def test_four_racing_posts_leave_one_comment(loop: Loop) -> None:
    from model_review.forge.comment import Target, post
    from model_review.forge.github import connect

    loop.install_cml()
    for name, value in loop.environment().items():
        loop.patch.setenv(name, value)
    loop.fake.slow_posts = 0.3
    target = Target("octo/bank", loop.address, 7, HEAD, BOT)

    def one(place: int) -> str:
        posted = post(connect(loop.fake.url, "ghs_report_job"), target, f"## Report {place}", lambda: True)
        assert posted is not None
        return posted.posted_with

    for _ in range(3):
        loop.fake.comments.clear()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(one, range(4)))
        assert len(loop.ours()) == 1
        assert loop.ours()[0]["body"].startswith("## Report ")


def test_duplicates_of_an_earlier_race_are_removed_and_only_ours(loop: Loop) -> None:
    loop.install_cml()
    kept = loop.fake.add_comment(7, BOT, f"old\n\n{MARKER}")
    loop.fake.add_comment(7, BOT, f"older twin\n\n{MARKER}")
    loop.fake.add_comment(7, BOT, "Preview is ready.")
    loop.comment(loop.run(archive(loop.comparisons["better"])))
    assert loop.ours()[0]["id"] == kept["id"]
    assert "Promote" in kept["body"]
    assert [one["body"] for one in loop.ours()][1:] == ["Preview is ready."]


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


def compared(folder: Path, *arguments: str, policy: str = POLICY, champion: bool = True) -> bytes:
    """A comparison by the engine, as another run of the workflow would make it."""
    world = World(rows=1000, seed=3)
    sides = {name: write_run(folder / name, world.frame(world.score(1.0, seed))) for seed, name in enumerate("ab")}
    (folder / "policy.toml").write_text(policy)
    (folder / "contract.yaml").write_text(CONTRACT)
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


def test_a_cml_of_another_version_or_file_gets_no_token(loop: Loop) -> None:
    loop.install_cml(version="0.21.0")
    _, found, shown = loop.comment(loop.run(archive(loop.comparisons["better"])))
    assert found["posted-with"] == "rest"
    assert "CML is version 0.21.0, not 0.20.6" in shown
    loop.install_cml(crash=False)
    binary = loop.folder / "bin/cml"
    right = hashlib.sha256(binary.read_bytes()).hexdigest()
    for digest, poster in (("0" * 64, "rest"), (right, "cml")):
        _, found, shown = loop.comment(loop.run(archive(loop.comparisons["better"])), CML_FILE_SHA256=digest)
        assert found["posted-with"] == poster, shown
    assert len(loop.cml_calls()) == 1
    assert len(loop.ours()) == 1


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


def test_cml_that_crashes_leaves_the_post_to_rest(loop: Loop) -> None:
    loop.install_cml(crash=True)
    _, found, shown = loop.comment(loop.run(archive(loop.comparisons["better"])))
    assert found["posted-with"] == "rest"
    assert "::warning::CML failed" in shown
    assert len(loop.ours()) == 1


@pytest.mark.parametrize("late", [False, True], ids=["refused", "answer lost"])
def test_cml_that_meets_a_server_error_leaves_one_comment_and_no_leak(loop: Loop, late: bool) -> None:
    loop.install_cml()
    loop.fake.faults.append(Fault("POST", "/comments", 502, message="Bad Gateway", late=late))
    _, found, shown = loop.comment(loop.run(archive(loop.comparisons["better"])))
    assert found["posted-with"] == "rest"
    assert "Bad Gateway" in shown
    assert "proxy-password" not in shown
    assert "Promote" not in shown.replace("promote", "")
    assert len(loop.ours()) == 1


LIMITS = [
    Fault("GET", "/pulls", 503),
    Fault("GET", "/comments", 500),
    Fault("POST", "/comments", 502, late=True),
    Fault("GET", "/zip", 502),
    Fault("GET", "/blob", 503),
    Fault("GET", "/contents", 429, {"retry-after": "1"}, "too many"),
    Fault("POST", "/comments", 403, {"retry-after": "1"}, "You have exceeded a secondary rate limit."),
    Fault("GET", "/runs", 403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, "API rate limit exceeded"),
]


@pytest.mark.parametrize("fault", LIMITS, ids=lambda fault: f"{fault.method} {fault.path} {fault.status}")
def test_one_failure_of_the_server_or_a_rate_limit_is_waited_out(loop: Loop, fault: Fault) -> None:
    loop.fake.faults.append(fault)
    code, found, shown = loop.comment(loop.run(archive(loop.comparisons["better"])))
    assert (code, found.get("outcome")) == (0, "judged"), shown
    assert not loop.fake.faults
    assert len(loop.ours()) == 1


@pytest.mark.parametrize(
    ("token", "said"),
    [("ghs_read_only", "403"), ("wrong", "Bad credentials"), ("", "GITHUB_TOKEN"), ("a\nb", "GITHUB_TOKEN")],
)
def test_a_token_that_may_not_post_ends_in_one_sentence(loop: Loop, token: str, said: str) -> None:
    loop.install_cml()
    code, _, shown = loop.comment(loop.run(archive(loop.comparisons["better"])), GITHUB_TOKEN=token)
    assert code == 2
    assert said in shown
    assert "Traceback" not in shown
    assert not loop.fake.comments


def test_a_wrong_identity_is_told_instead_of_a_comment_at_each_run(loop: Loop) -> None:
    code, _, shown = loop.comment(loop.run(archive(loop.comparisons["better"])), "--identity", "other[bot]")
    assert code == 2
    assert "other[bot]" in shown


@pytest.mark.parametrize(
    ("name", "value"),
    [("GITHUB_API_URL", "http://api.github.com"), ("GITHUB_REPOSITORY", "octo/../x"), ("GITHUB_REPOSITORY", "")],
)
def test_settings_that_cannot_be_right_are_refused(loop: Loop, name: str, value: str) -> None:
    code, _, shown = loop.comment(loop.run(None), **{name: value})
    assert code == 2
    assert "model-review:" in shown
