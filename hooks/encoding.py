"""In which encoding a text is, by all of its bytes: what no encoding here can read to its end is refused."""

import codecs
import re
from pathlib import Path

from answers import Refusal
from packed import blocks

NOT_WINDOWS = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")  # bytes that the code page leaves undefined


def detect_encoding(path: Path) -> str:
    """Look at every byte: UTF-8 if it is valid, else one of the two Western code pages that can read all of it."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    utf8, letters, windows, start = True, False, False, b""
    for number, block in enumerate(blocks(path)):
        start = start or block[:4]
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            check_utf16(path)
            return "utf-16"
        if b"\0" in block or (number == 0 and binary_looking(block)):
            raise binary(path)
        windows = windows or re.search(rb"[\x80-\x9f]", block) is not None
        if utf8:
            try:
                letters = not decoder.decode(block).isascii() or letters
            except UnicodeDecodeError:
                utf8 = False
    if not start:
        raise Refusal(f"{path.name} is empty: a header line and at least 30 rows are needed.")
    cut = utf8 and decoder.getstate()[0] != b""
    if cut and letters:
        raise Refusal(f"{path.name} ends in the middle of a letter: it was cut off, so get the whole file again.")
    if utf8 and not cut:
        return "utf-8-sig" if start.startswith(codecs.BOM_UTF8) else "utf-8"
    check_windows(path)
    return "cp1252" if windows else "latin-1"


def check_utf16(path: Path) -> None:
    """Refuse a file that begins as UTF-16 does and does not go on so."""
    decoder = codecs.getincrementaldecoder("utf-16")()
    try:
        if any("\0" in decoder.decode(block) for block in blocks(path)):
            raise binary(path)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise Refusal(
            f"{path.name} begins as UTF-16 and holds what is none, perhaps because it was cut off: save it as UTF-8."
        ) from None


def check_windows(path: Path) -> None:
    """Refuse a byte that the code page leaves undefined: the file is of another one, and every letter a wrong one."""
    line = 1
    for block in blocks(path):
        if found := NOT_WINDOWS.search(block):
            line += block.count(b"\n", 0, found.start())
            raise Refusal(
                f"{path.name}, line {line}: byte {found[0].hex().upper()} is neither UTF-8 nor Windows-1252: save the "
                "file as UTF-8, in the program that wrote it or with iconv."
            )
        line += block.count(b"\n")


def binary(path: Path) -> Refusal:
    """Say that a file is no text."""
    return Refusal(f"{path.name} is a binary file, not a text table: export it as CSV or Parquet.")


def binary_looking(block: bytes) -> bool:
    """Say whether many control characters stand in the first kilobytes."""
    head = block[:4096]
    return len(re.findall(rb"[\x01-\x08\x0e-\x1a]", head)) > len(head) / 100
