"""Markdown tables and folds."""

# A mark never stands alone: colours and signs are not read by everyone.
MARK = {
    "green": "\u2705 holds",
    "red": "\u274c broken",
    "cannot tell": "\u2754 cannot tell",
    "no change": "\u2796 no change",
    "not made": "\u2754 not made",
    "not comparable": "\u2754 not comparable",
    "person": "\u270b a person decides",
    "info": "\u2139\ufe0f note",
    "worse": "\u274c worse",
    "better": "\u2705 better",
    "no worse": "\u2705 no worse",
    "worse, within the margin": "\u2705 worse, within the margin",
    "worse, perhaps past the margin": "\u2754 worse, perhaps past the margin",
}


def mark(status: str) -> str:
    """A status with its mark, kept on one line."""
    return whole(MARK[status])


def whole(words: str) -> str:
    """Words that stay on one line of a cell."""
    return words.replace(" ", "\u00a0")


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; cells are escaped already."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def fold(summary: str, body: str) -> str:
    """A part that opens on a click; empty where there is nothing in it."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>" if body else ""


def join(*parts: str) -> str:
    """Parts with a blank line between; empty ones left out."""
    return "\n\n".join(part for part in parts if part)
