"""A comment as a reader of the pull request sees it at first sight, in a terminal: no folded parts, no markup."""

import re
import sys
import textwrap
import unicodedata

COLOURS = {"Promote": "32", "Hold": "33", "Reject": "31"}
WIDTH = 100


def rendered(comment: str) -> str:
    """The verdict, its reason, what to do next and the objective's table."""
    folded = re.sub(r"<details>.*?</details>", "", comment, flags=re.DOTALL)
    first_sight = re.split(r"^### |^<sub>", folded, maxsplit=1, flags=re.MULTILINE)[0]
    blocks = []
    for block in re.split(r"\n\s*\n", first_sight.strip()):
        lines = block.splitlines()
        if lines[0].startswith("#"):
            blocks.append(_heading(lines[0]))
        elif lines[0].startswith("|"):
            blocks.append(_table(lines))
        elif lines[0].startswith("```"):
            blocks.append("\n".join(lines[1:-1]))
        else:
            blocks.append("\n".join(textwrap.wrap(_plain(" ".join(lines)), WIDTH)))
    return "\n\n".join(blocks)


def _heading(line: str) -> str:
    text = _plain(line.lstrip("# "))
    colour = next((colour for verdict, colour in COLOURS.items() if verdict in text), None)
    shown = text.upper()
    return f"\033[1;{colour}m{shown}\033[0m" if colour and sys.stdout.isatty() else shown


def _table(lines: list[str]) -> str:
    rows = [[_plain(cell.strip()) for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    del rows[1]  # the rule under the head
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _width(text: str) -> int:
    """Columns of a terminal; some signs take two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _plain(text: str) -> str:
    """Without markup: links by their text, escapes by what they stand for."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"\\([^\w\s])", r"\1", text)
    return re.sub(r"\*\*|`", "", text)
