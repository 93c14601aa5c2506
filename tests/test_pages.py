"""The pages say what is there: links lead somewhere, and what they name as proof exists."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
NAMED = re.compile(
    r"`((?:src|tests|docs|hooks|demo|\.github/actions)/[\w./-]+\.(?:py|sh|yml|md|json|lock))(?:::(\w+))?`"
)


def pages() -> list[Path]:
    """Every page that git knows, but for those of the template, which are read where they are generated."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "*.md"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    found = [ROOT / name for name in names if name and not name.startswith("{{") and (ROOT / name).is_file()]
    assert ROOT / "README.md" in found
    return found


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} (.+)$", text, re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        name = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        number = 0
        while (name if not number else f"{name}-{number}") in found:
            number += 1
        found.add(name if not number else f"{name}-{number}")
    return found


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_and_anchor_leads_somewhere(page: Path) -> None:
    lost = []
    for link in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page if not name else (page.parent / name)
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_and_test_that_a_page_names_exists(page: Path) -> None:
    lost = []
    for name, test in NAMED.findall(page.read_text(encoding="utf-8")):
        places = [ROOT / name, ROOT / "{{cookiecutter.project_slug}}" / name]
        file = next((place for place in places if place.is_file()), None)
        if file is None or (test and f"\ndef {test}(" not in file.read_text(encoding="utf-8")):
            lost.append(f"{name}::{test}" if test else name)
    assert lost == []


def test_each_attack_of_the_threat_model_names_what_stops_it_and_a_test() -> None:
    text = (ROOT / "docs/threat-model.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 25
    for row in rows:
        assert len(row) == 3, row
        assert "::test_" in row[2], row[0]


def test_every_page_of_the_docs_is_linked_from_another() -> None:
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in pages()
        for link in LINK.findall(page.read_text(encoding="utf-8"))
        if not re.match(r"[a-z]+:|#", link)
    }
    assert [page.name for page in pages() if page.parent.name == "docs" and page.resolve() not in linked] == []
