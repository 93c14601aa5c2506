"""The one comment: whose it is, who posted it, and that it stays one."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from archives import archive
from fake_github import BOT
from report_loop import HEAD, MARKER, Loop


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
