"""Text that comes from a run, made safe to print: one line, no control or bidirectional characters, not too long."""

import unicodedata

HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def plain(value: object, limit: int = 200) -> str:
    """One printable line; what cannot be shown becomes U+FFFD, and long text is cut in its middle."""
    # Only the ends of a huge text can be shown, so only they are looked at.
    text = str(value)
    if len(text) > 2 * limit:
        text = text[:limit] + " ... " + text[-limit:]
    shown = "".join("\ufffd" if unicodedata.category(char) in HIDDEN else char for char in text)
    if len(shown) > limit:
        shown = shown[: limit // 2 - 2] + " ... " + shown[-(limit // 2 - 3) :]
    return shown
