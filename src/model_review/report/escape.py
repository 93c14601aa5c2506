"""Text from a run, made to render as text and as nothing else in GitHub's Markdown.

Look-alike characters take the place of those that start markup, mentions, links or markers: an entity or a backslash
would keep the sign itself, and GitHub looks for mentions and references after it has decoded them.
"""

import re

from model_review.text import plain

SIGNS: dict[str, str | int | None] = {
    "@": "\uff20",  # a mention
    "#": "\uff03",  # an issue, a heading
    "<": "\u2039",  # HTML, a comment
    ">": "\u203a",  # HTML, a quotation
    "&": "\uff06",  # an entity
    "`": "\u02cb",  # code
    "|": "\u2223",  # a table cell
    "[": "\uff3b",  # a link
    "]": "\uff3d",
    '"': "\u2033",  # the title in a forged marker
    "$": "\uff04",  # mathematics
    "\\": "\u2216",  # an escape
    "*": "\u2217",  # emphasis
    "~": "\u223c",  # struck through
    "!": "\uff01",  # an image
}
ALIKE = str.maketrans(SIGNS)
IN_CODE = str.maketrans({sign: SIGNS[sign] for sign in '`|<"'})


def text(value: object, limit: int = 2000) -> str:
    """A sentence that may hold names from a run."""
    shown = plain(value, limit).strip().translate(ALIKE)
    shown = re.sub(r":(?=\S)", "\u2236", shown)  # an address, an emoji's name
    shown = re.sub(r"(?i)\bwww\.", "www\u2024", shown)
    shown = re.sub(r"(?i)\bgh-(?=\d)", "gh\u2011", shown)
    shown = re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", "\uff3f", shown)  # emphasis; within a word it has none
    shown = re.sub(r"^([-+=]|\d+[.)])", "\u200a\\1", shown)  # a list, a rule
    return shown or "(empty)"


def code(value: object, limit: int = 80) -> str:
    """A name from a run, in a code span."""
    shown = plain(value, limit).strip().translate(IN_CODE)
    shown = shown.replace("://", ":\u2044\u2044").replace("![", "! [")
    return f"`{shown or '(empty)'}`"


def label(value: object, limit: int = 24) -> str:
    """A name inside a chart: letters, digits and blanks only."""
    return re.sub(r"[^A-Za-z0-9 ]+", " ", plain(value, limit)).strip() or "unnamed"
