"""The files through which a step of GitHub Actions speaks: outputs and the summary. Elsewhere, nothing is written."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

SUMMARY_CAP = 1_000_000  # GitHub drops a step's summary whole above 1 MiB


def write_outputs(values: Mapping[str, str]) -> None:
    """Append outputs; a random delimiter, since a value that holds the delimiter would end itself."""
    name = os.environ.get("GITHUB_OUTPUT")
    if not name:
        return
    with Path(name).open("a", encoding="utf-8", newline="\n") as stream:
        for key, value in values.items():
            delimiter = f"end-{secrets.token_hex(16)}"
            stream.write(f"{key}<<{delimiter}\n{value}\n{delimiter}\n")


def write_summary(markdown: str) -> None:
    """Append to the step's summary; too long a text is cut at a line."""
    name = os.environ.get("GITHUB_STEP_SUMMARY")
    if not name:
        return
    data = (markdown.rstrip("\n") + "\n").encode("utf-8", "replace")
    if len(data) > SUMMARY_CAP:
        data = data[:SUMMARY_CAP].rpartition(b"\n")[0] + b"\n\nThe rest is in the HTML report.\n"
    with Path(name).open("ab") as stream:
        stream.write(data)
