"""One sticky comment: ours by marker and author, posted by CML where CML would hit the right one, else by REST."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from model_review.errors import ReviewError
from model_review.forge import cml
from model_review.forge.github import Answer, Client, GitHubError, call, get_all, send

MARK = re.compile(r'!\[\]\(https://cml\.dev/watermark\.png#[0-9a-f]+ "CML watermark ' + cml.TITLE + r'"\)\s*\Z')
SEEN_BY_CML = 30
LARGEST = 65_536


class Author(Answer):
    """Who wrote a comment."""

    login: Annotated[str, Field(max_length=200)]


class Comment(Answer):
    """A comment of a pull request."""

    id: int
    body: str | None
    user: Author | None
    html_url: Annotated[str, Field(max_length=1000)]


@dataclass(frozen=True)
class Target:
    """Where to post, and as whom."""

    repository: str
    repository_url: str
    pull: int
    head: str
    identity: str


@dataclass(frozen=True)
class Posted:
    """The comment as it stands, and how it got there."""

    url: str
    posted_with: str
    warnings: tuple[str, ...]


def post(client: Client, target: Target, body: str, current: Callable[[], bool]) -> Posted | None:
    """Create or edit the one comment; None where the pull request moved on before it was posted.

    `current` is asked last, so that hardly any time lies between it and the post.
    """
    marked = f"{body.rstrip()}\n\n{marker(target.head)}"
    if len(marked) > LARGEST:
        raise ReviewError(f"The comment has {len(marked):,} characters; GitHub takes {LARGEST:,}.")
    warnings: list[str] = []
    comments = _listed(client, target)
    if not current():
        return None
    for extra in _ours(comments, target)[1:]:
        _delete(client, target, extra, warnings)
        comments.remove(extra)
    posted_with, said = "rest", ""
    verb = _cml_verb(comments, target)
    if verb is None:
        said = "CML sees 30 comments and no author, and would have taken the wrong one; REST posted."
    else:
        said = cml.post(client.token, target.repository_url, target.pull, target.head, body, verb)
        posted_with = "rest" if said else "cml"
    if said:
        warnings.append(said)
        _upsert(client, target, marked)
    return _settled(client, target, marked, posted_with, warnings)


def marker(head: str) -> str:
    """The marker as CML writes it."""
    return f'![](https://cml.dev/watermark.png#{head} "CML watermark {cml.TITLE}")'


def _cml_verb(comments: list[Comment], target: Target) -> str | None:
    """How CML may be called so that it takes our comment or makes one; None where it would take another's."""
    carrying = [one for one in comments if _carries(one)]
    ours = _ours(comments, target)
    if not carrying:
        return "update"
    if not ours:
        return "create"
    seen = [one for one in comments[:SEEN_BY_CML] if _carries(one)]
    return "update" if seen and seen[-1].id == ours[0].id else None


def _carries(comment: Comment) -> bool:
    """Whether CML might take the comment for ours: the marker anywhere in it, whoever wrote it."""
    found = (comment.body or "").lower()
    return "watermark.png" in found and f"cml watermark {cml.TITLE}" in found


def _ours(comments: list[Comment], target: Target) -> list[Comment]:
    """Written by us and ending in the marker, oldest first. A quoted marker in the middle does not count."""
    mine = [one for one in comments if one.user is not None and one.user.login == target.identity]
    return sorted((one for one in mine if MARK.search(one.body or "")), key=lambda one: one.id)


def _upsert(client: Client, target: Target, marked: str) -> None:
    """Edit our comment, or make it; one that vanished meanwhile is looked for once more."""
    for last in (False, True):
        ours = _ours(_listed(client, target), target)
        try:
            if ours:
                _edit(client, target, ours[0], marked)
            else:
                path = f"/repos/{target.repository}/issues/{target.pull}/comments"
                send(client, "POST", path, Comment, {"body": marked})
            return
        except GitHubError as error:
            if not ours or error.status != 404 or last:
                raise


def _settled(client: Client, target: Target, marked: str, posted_with: str, warnings: list[str]) -> Posted:
    """List again: delete our own newer duplicates, and make the one that stays say what we had to say."""
    for _ in range(3):
        ours = _ours(_listed(client, target), target)
        if not ours:
            raise ReviewError(
                f"The comment was posted, but {target.identity} has none there; give the login that the token posts as."
            )
        kept, extras = ours[0], ours[1:]
        for extra in extras:
            _delete(client, target, extra, warnings)
        if not extras and _same(kept.body or "", marked):
            return Posted(kept.html_url, posted_with, tuple(warnings))
        if extras and not _same(kept.body or "", marked):
            _edit(client, target, kept, marked)
        elif not extras:
            # Another run of ours wrote after us: its text is the newer one, and stays.
            return Posted(kept.html_url, posted_with, tuple(warnings))
    return Posted(kept.html_url, posted_with, tuple(warnings))


def _same(one: str, other: str) -> bool:
    """Equal but for line ends, which GitHub and CML may write their own way."""
    return one.split() == other.split()


def _listed(client: Client, target: Target) -> list[Comment]:
    return get_all(client, f"/repos/{target.repository}/issues/{target.pull}/comments", Comment)


def _edit(client: Client, target: Target, comment: Comment, marked: str) -> None:
    send(client, "PATCH", f"/repos/{target.repository}/issues/comments/{comment.id}", Comment, {"body": marked})


def _delete(client: Client, target: Target, comment: Comment, warnings: list[str]) -> None:
    try:
        call(client, "DELETE", f"/repos/{target.repository}/issues/comments/{comment.id}")
    except GitHubError as error:
        if error.status != 404:  # another run was quicker
            warnings.append(f"A duplicate of our comment stays: {error}")
