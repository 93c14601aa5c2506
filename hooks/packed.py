"""The bytes of a file, unpacked from gzip or zip, piece by piece."""

import errno
import gzip
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, cast

import progress
from answers import Refusal

BLOCK_BYTES = 1 << 20
PARQUET = b"PAR1"  # the first bytes of such a file


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file, unpacked."""
    with path.open("rb") as file:
        magic = file.read(4)
    if magic[:2] == b"\x1f\x8b":
        return cast(IO[bytes], gzip.open(path, "rb"))
    if magic == b"PK\x03\x04":
        return open_zip(path)
    return path.open("rb")


def open_zip(path: Path) -> IO[bytes]:
    """Open the one file of a zip archive."""
    odd = Refusal(f"{path.name} is packed in a way that Python cannot unpack: pack it again, as gzip or zip.")
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, UnicodeDecodeError):
        raise Refusal(f"{path.name} is a damaged zip archive.") from None
    except NotImplementedError:
        raise odd from None
    members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX/")]
    if any(member.filename in ("[Content_Types].xml", "mimetype") for member in members):
        raise Refusal(f"{path.name} is a spreadsheet or document, not a text table: save it as CSV first.")
    if len(members) != 1:
        raise Refusal(f"{path.name} holds {len(members)} files: pack the one table alone.")
    if members[0].flag_bits & 1:
        raise Refusal(f"{path.name} is protected by a password: unpack it first.")
    try:
        return archive.open(members[0])
    except NotImplementedError:
        raise odd from None


@contextmanager
def unpacking(path: Path) -> Iterator[None]:
    """Refuse a file that cannot be unpacked to its end."""
    try:
        yield
    except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # of a disk, say; gzip and bzip2 give no number, and an archive may name a place before its beginning
        raise Refusal(f"{path.name} is damaged: it could not be unpacked to its end.") from None


def blocks(path: Path) -> Iterator[bytes]:
    """Give the unpacked file, piece by piece."""
    total = 0
    with unpacking(path), open_bytes(path) as file:
        while block := file.read(BLOCK_BYTES):
            yield block
            total += len(block)
            if total >= progress.LARGE_BYTES:
                progress.show(f"looking at {path.name}: {total / 1e6:,.0f} MB")


def unpacked_parquet(path: Path, folder: Path) -> Path | None:
    """Unpack Parquet from gzip or zip, in which no reader takes it; return nothing where that is not what it is."""
    pieces = blocks(path)
    start = next(pieces, b"")
    with path.open("rb") as file:
        if start[:4] != PARQUET or file.read(4) == PARQUET:
            return None
    out = folder / "unpacked" / re.sub(r"\.(gz|zip)$", "", path.name, flags=re.IGNORECASE)
    out.parent.mkdir()  # of its own: a download lies in the folder, perhaps under that very name
    with out.open("wb") as file:
        file.writelines(chain([start], pieces))
    return out
