"""Artifacts as the upload action makes them, and as nobody should."""

import io
import zipfile


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive with those members."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as opened:
        for name, data in members:
            opened.writestr(name, data)
    return made.getvalue()


def archive(data: bytes, name: str = "comparison.json") -> bytes:
    """An artifact of one file."""
    return zipped((name, data))
