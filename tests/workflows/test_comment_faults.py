"""Where CML, GitHub, the token or a setting fails: one comment or one sentence, and no leak."""

import hashlib

import pytest
from archives import archive
from fake_github import Fault
from report_loop import Loop


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
