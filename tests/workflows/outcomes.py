"""What the one comment may be, whatever an artifact held."""

import re
import time

from rendered import check_markdown
from report_loop import MARKER, Loop

WATERMARK = re.compile(r"!\[\]\((https://cml\.dev/watermark\.png#\w+)")
LINKS = re.compile(
    r"docs/reading-a-report\.md|https://127\.0\.0\.1:\d+/octo/bank/(commit/\w{40}|actions/runs/\d+(/artifacts/\d+)?)"
)


def refused(loop: Loop, content: bytes, *said: str) -> str:
    """One comment by us, that names what was refused and shows nothing of it."""
    loop.install_cml()
    started = time.monotonic()
    code, found, shown = loop.comment(loop.run(content))
    assert time.monotonic() - started < 20
    assert code == 0, shown
    assert found["outcome"] == "refused", loop.fake.comments
    assert found["verdict"] == found["look"] == ""
    assert len(loop.fake.comments) == len(loop.ours()) == 1
    body = str(loop.ours()[0]["body"])
    for word in said:
        assert word in body
    assert "Comparison refused" in body.splitlines()[0]
    assert not any(word in body for word in ("Promote", "promote", "Hold", "Reject"))
    harmless(body)
    return body


def harmless(body: str) -> None:
    """As GitHub renders it: our tags, links to this repository's own pages, the marker's picture and nothing else."""
    (picture,) = WATERMARK.findall(body)
    check_markdown(body, LINKS, picture)
    assert body.endswith(MARKER)
