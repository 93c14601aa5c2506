"""The REST client against the fake: pages, limits, hosts, and what it never says."""

import time
from collections.abc import Iterator

import pytest
from fake_github import READ_TOKEN, REPORT_TOKEN, FakeGitHub, Fault
from report_loop import HEAD

from model_review.errors import ReviewError
from model_review.forge.comment import Comment
from model_review.forge.github import Client, GitHubError, call, connect, download, file_at, get, get_all, send
from model_review.forge.locate import Run

COMMENTS = "/repos/octo/bank/issues/7/comments"


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitHub]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    with FakeGitHub() as one:
        one.add_pull(7, HEAD, "branch")
        yield one


def patient(fake: FakeGitHub, waits: list[float], token: str = REPORT_TOKEN) -> Client:
    """A client that notes how long it would have waited."""
    return Client(fake.url, token, waits.append)


def test_every_page_is_read_however_many_there_are(fake: FakeGitHub) -> None:
    for place in range(330):
        fake.add_comment(7, "someone", str(place))
    found = get_all(connect(fake.url, REPORT_TOKEN), COMMENTS, Comment)
    assert [one.body for one in found] == [str(place) for place in range(330)]
    assert len([path for _, path in fake.calls if path == COMMENTS]) == 4


def test_a_next_page_on_another_host_is_not_asked_for(fake: FakeGitHub) -> None:
    with FakeGitHub() as other:
        fake.faults.append(Fault("GET", "comments", 200, {"Link": f'<{other.url}{COMMENTS}?page=2>; rel="next"'}))
        with pytest.raises(ReviewError):
            get_all(connect(fake.url, REPORT_TOKEN), COMMENTS, Comment)
        assert not other.calls


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_of_an_ordinary_request_is_not_followed(fake: FakeGitHub, status: int) -> None:
    with FakeGitHub() as other:
        fake.faults.append(Fault("GET", "runs", status, {"Location": f"{other.url}/repos/octo/bank/actions/runs/1"}))
        with pytest.raises(GitHubError):
            get(connect(fake.url, REPORT_TOKEN), "/repos/octo/bank/actions/runs/1", Run)
        assert not other.calls


def test_a_download_follows_one_redirect_without_the_token(fake: FakeGitHub) -> None:
    number = fake.add_artifact(1, "a", b"content")
    assert (
        download(connect(fake.url, REPORT_TOKEN), f"/repos/octo/bank/actions/artifacts/{number}/zip", 100) == b"content"
    )


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", ""])
def test_a_download_follows_no_redirect_out_of_the_web(fake: FakeGitHub, location: str) -> None:
    fake.faults.append(Fault("GET", "zip", 302, {"Location": location} if location else {}))
    with pytest.raises(ReviewError):
        download(connect(fake.url, REPORT_TOKEN), "/repos/octo/bank/actions/artifacts/1/zip", 100)


def test_no_more_is_read_than_the_cap(fake: FakeGitHub) -> None:
    fake.files["main", "policy"] = b"x" * 5000
    client = connect(fake.url, REPORT_TOKEN)
    assert file_at(client, "octo/bank", "policy", "main", 5000) == b"x" * 5000
    with pytest.raises(ReviewError, match="larger than 4,999 bytes"):
        file_at(client, "octo/bank", "policy", "main", 4999)
    assert file_at(client, "octo/bank", "other", "main", 10) is None


def test_a_server_that_stays_down_is_asked_four_times(fake: FakeGitHub) -> None:
    fake.faults += [Fault("GET", "runs", 503) for _ in range(9)]
    waits: list[float] = []
    with pytest.raises(GitHubError, match="503") as caught:
        get(patient(fake, waits), "/repos/octo/bank/actions/runs/1", Run)
    assert caught.value.status == 503
    assert waits == [1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("status", "headers", "message", "expected"),
    [
        (429, {"retry-after": "7"}, "", 7.0),
        (429, {}, "", 60.0),
        (403, {"retry-after": "30"}, "", 30.0),
        (403, {}, "You have exceeded a secondary rate limit", 60.0),
    ],
)
def test_a_rate_limit_is_waited_for_as_long_as_it_says(
    fake: FakeGitHub, status: int, headers: dict[str, str], message: str, expected: float
) -> None:
    fake.faults.append(Fault("POST", "comments", status, headers, message))
    waits: list[float] = []
    send(patient(fake, waits), "POST", COMMENTS, Comment, {"body": "x"})
    assert waits == [expected]
    assert len(fake.comments) == 1


def test_a_primary_limit_is_waited_for_until_its_reset_but_not_for_an_hour(fake: FakeGitHub) -> None:
    waits: list[float] = []
    for seconds, count in ((20, 1), (3600, 0)):
        headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + seconds)}
        fake.faults[:] = [Fault("GET", "comments", 403, headers, "API rate limit exceeded")]
        waits.clear()
        if count:
            get_all(patient(fake, waits), COMMENTS, Comment)
            assert 15 < waits[0] < 25
        else:
            with pytest.raises(GitHubError, match="rate limit"):
                get_all(patient(fake, waits), COMMENTS, Comment)
            assert not waits


@pytest.mark.parametrize(("token", "status"), [(READ_TOKEN, 403), ("unknown", 401)])
def test_a_missing_right_is_told_at_once(fake: FakeGitHub, token: str, status: int) -> None:
    waits: list[float] = []
    with pytest.raises(GitHubError) as caught:
        send(patient(fake, waits, token), "POST", COMMENTS, Comment, {"body": "x"})
    assert caught.value.status == status
    assert not waits


def test_a_body_that_is_too_long_is_told_at_once(fake: FakeGitHub) -> None:
    with pytest.raises(GitHubError, match="too long"):
        send(connect(fake.url, REPORT_TOKEN), "POST", COMMENTS, Comment, {"body": "x" * 65_537})
    send(connect(fake.url, REPORT_TOKEN), "POST", COMMENTS, Comment, {"body": "x" * 65_536})


def test_the_token_is_in_no_message_and_no_repr(fake: FakeGitHub) -> None:
    fake.faults.append(Fault("GET", "runs", 422, message=f"you sent {REPORT_TOKEN}"))
    client = connect(fake.url, REPORT_TOKEN)
    with pytest.raises(GitHubError) as caught:
        get(client, "/repos/octo/bank/actions/runs/1", Run)
    assert REPORT_TOKEN not in str(caught.value) + repr(client)
    assert "***" in str(caught.value)


def test_no_answer_at_all_is_one_sentence() -> None:
    waits: list[float] = []
    with pytest.raises(GitHubError, match="got no answer") as caught:
        call(Client("http://127.0.0.1:9", "t", waits.append), "GET", "/x")
    assert caught.value.status == 0
    assert len(waits) == 3


@pytest.mark.parametrize("change", [{"head_sha": "main"}, {"repository": None}, {"id": "x"}, {"event": 5}], ids=str)
def test_an_answer_that_is_not_understood_is_one_sentence(fake: FakeGitHub, change: dict[str, object]) -> None:
    number = fake.add_run(fake.pulls[7])
    fake.runs[number].update(change)
    with pytest.raises(ReviewError, match="is not understood"):
        get(connect(fake.url, REPORT_TOKEN), f"/repos/octo/bank/actions/runs/{number}", Run)
