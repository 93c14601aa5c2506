"""What a report may be once a browser or GitHub has rendered it: our own tags and links, and else text."""

import re
from html.parser import HTMLParser

import pytest

TAGS = {"details", "summary", "sub"}
GUIDE = re.compile(r"docs/reading-a-report\.md")


def check_markdown(text: str, links: re.Pattern[str] = GUIDE, picture: str = "") -> None:
    """Our tags, the links and the one picture that are named; nothing that GitHub turns into a mention or reference."""
    markdown_it = pytest.importorskip("markdown_it", reason="markdown-it renders the report as GitHub's parser would")
    assert len(text) <= 60_000
    assert "<!--" not in text
    parser = markdown_it.MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    pictures = []
    for token in parser.parse(text):
        if token.type == "html_block":
            assert {tag.lower() for tag in re.findall(r"</?([a-zA-Z]+)", token.content)} <= TAGS
        for child in token.children or []:
            assert child.type != "s_open", child
            if child.type == "image":
                pictures.append(child.attrs["src"])
            if child.type == "html_inline":
                assert re.fullmatch(r"</?(details|summary|sub)>", child.content), child.content
            if child.type == "link_open":
                assert links.fullmatch(child.attrs["href"]), child.attrs["href"]
            if child.type == "text":
                assert not re.search(r"@\w|#\d|https?://|www\.|:\w+:|GH-\d", child.content), child.content
    assert pictures == ([picture] if picture else [])


def headings(text: str) -> list[str]:
    """The text of each heading, as it is rendered."""
    markdown_it = pytest.importorskip("markdown_it", reason="markdown-it renders the report as GitHub's parser would")
    tokens = markdown_it.MarkdownIt("commonmark", {"html": True}).parse(text)
    return [tokens[place + 1].content for place, token in enumerate(tokens) if token.type == "heading_open"]


class Reader(HTMLParser):
    """Collects what a browser would act on."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes += attrs


def check_html(text: str) -> None:
    """No script, no network, no handler."""
    reader = Reader()
    reader.feed(text)
    assert not reader.found & {"script", "iframe", "img", "link", "object", "embed", "form", "a", "base", "image"}
    for name, content in reader.attributes:
        assert not name.startswith("on"), name
        assert name not in ("src", "href", "xlink:href"), name
        assert "url(" not in (content or ""), content
