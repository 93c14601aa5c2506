"""The hidden folder in which inferred files wait.

Cookiecutter refuses to render into folders that exist already, so what is made before generation moves in after it.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

STAGE = Path(".inferred")
FOUND = "found.txt"


def write_files(files: Mapping[str, str]) -> None:
    """Write text files, by their path in the project."""
    for name, text in files.items():
        file = STAGE / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")


def move_into_place() -> str:
    """Move every file to where it belongs, and return what there is to say."""
    found = (STAGE / FOUND).read_text(encoding="utf-8")
    (STAGE / FOUND).unlink()
    for file in sorted(STAGE.rglob("*")):
        if file.is_file():
            place = file.relative_to(STAGE)
            place.parent.mkdir(exist_ok=True)
            file.replace(place)
    shutil.rmtree(STAGE)
    return found
