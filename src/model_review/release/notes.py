"""The GitHub Release of a promotion: what went to production, why, how to check it. Written again, it is the same."""

import urllib.parse
from pathlib import Path

from model_review.files import read_text
from model_review.forge.github import Answer, Client, GitHubError, get, send
from model_review.release.promotions import Promotion
from model_review.report.escape import text

LIMIT = 120_000  # GitHub takes 125,000 characters


class _Release(Answer):
    id: int
    html_url: str = ""


def tag_of(promotion: Promotion) -> str:
    """One release for each commit that went to production."""
    return f"v{promotion.version or '0'}-{(promotion.commit or '0' * 12)[:12]}"


def body_of(promotion: Promotion, repository: str, report: Path | None, card: Path | None) -> str:
    """Digest, verdict, how to check it; then the card and the report, as far as they fit."""
    image = f"{promotion.image}@{promotion.digest}"
    was = f"It took the place of `{promotion.previous}`." if promotion.previous else "It is the first release."
    parts = [
        f"`{image}`\n\n{was} Verdict on main: **{text(promotion.verdict or 'none')}**.",
        f"```sh\ndocker pull {image}\ngh attestation verify oci://{image} --repo {repository}\n```",
    ]
    found = "\n\n".join(parts)
    for file in (card, report):
        if file is not None and file.is_file():
            more = read_text(file, 16 * 2**20)
            if more.startswith("---\n"):  # the card's metadata is for other readers
                more = more.partition("\n---\n")[2]
            if len(found) + len(more) < LIMIT:
                found += f"\n\n{more.strip()}"
    return found + "\n"


def publish(client: Client, repository: str, promotion: Promotion, body: str, *, again: bool, latest: bool) -> str:
    """Write the release, or write it again; its address.

    Args:
        client: GitHub.
        repository: Its owner and name.
        promotion: What went to production.
        body: The text.
        again: The text takes the place of one that is there.
        latest: GitHub shows it as the latest: it is what runs. After a rollback that is an older one again.
    """
    tag, shown = tag_of(promotion), {"make_latest": str(latest).lower()}
    where = f"/repos/{repository}/releases"
    try:
        found = get(client, f"{where}/tags/{urllib.parse.quote(tag, safe='')}", _Release)
    except GitHubError as error:
        if error.status != 404:
            raise
        wanted = {"tag_name": tag, "target_commitish": promotion.commit, "name": tag, "body": body}
        return send(client, "POST", where, _Release, wanted | shown).html_url
    changed = shown | ({"body": body} if again else {})
    return send(client, "PATCH", f"{where}/{found.id}", _Release, changed).html_url
