"""Copy the table into the project."""

import shutil
import zipfile
from pathlib import Path

from packed import open_bytes
from table import Table

GIT_LIMIT_BYTES = 95_000_000


def store_table(table: Table, destination: Path) -> None:
    """Copy the file as it is; of a zip archive with folders or side files, only the table."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    if destination.suffix == ".zip":
        with zipfile.ZipFile(table.path) as archive:
            single = len(archive.infolist()) == 1
        if not single:
            inner = zipfile.ZipInfo(destination.stem)
            inner.compress_type = zipfile.ZIP_DEFLATED
            with zipfile.ZipFile(destination, "w") as archive, archive.open(inner, "w") as target:
                shutil.copyfileobj(open_bytes(table.path), target)
            return
    shutil.copyfile(table.path, destination)
