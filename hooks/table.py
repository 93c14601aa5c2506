"""A table as a file: which kind of file it is, how its text is read, and its rows, chunk by chunk."""

import codecs
import csv
import gzip
import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, cast

import parquet
from answers import Refusal
from fetch import safe_name

HEAD_CHARACTERS = 1 << 16
BLOCK_BYTES = 1 << 20
CELLS_PER_CHUNK = 100_000  # more do not fit into the processor's caches
HEADER = re.compile(r'(?:[^"\r\n]|"[^"]*")*(\r\n|\n|\r)')  # up to its line end, which may be quoted inside
DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class Table:
    """How a table is read."""

    path: Path
    file_name: str  # in the project's data folder
    format: str
    names: tuple[str, ...]
    physical_names: dict[int, str]  # by position, where the header cell is not the name
    encoding: str = "utf-8"
    delimiter: str = ","
    decimal: str = "."

    def chunks(self) -> Iterator[list[list[str]]]:
        """Give the rows as text, some thousands at a time."""
        size = max(500, CELLS_PER_CHUNK // len(self.names))
        return parquet.chunks(self.path, size) if self.format == "parquet" else self._csv_chunks(size)

    def _csv_chunks(self, size: int) -> Iterator[list[list[str]]]:
        reader = csv.reader(open_text(self.path, self.encoding), delimiter=self.delimiter)
        width = len(self.names)
        next(row for row in reader if not is_blank(row))
        while True:
            line = reader.line_num + 1
            try:
                chunk = list(islice(reader, size))
            except csv.Error as error:
                raise Refusal(f"{self.path.name}, line {reader.line_num}: {error}.") from None
            except (EOFError, zlib.error, zipfile.BadZipFile, OSError):
                raise Refusal(f"{self.path.name} is damaged: it could not be unpacked to its end.") from None
            if not chunk:
                return
            if set(map(len, chunk)) != {width}:
                chunk = [row for row in chunk if not is_blank(row)]
                if set(map(len, chunk)) - {width}:
                    self._refuse_uneven(line, width)
            yield chunk

    def _refuse_uneven(self, first_line: int, width: int) -> None:
        """Read again, row by row, to name the line."""
        reader = csv.reader(open_text(self.path, self.encoding), delimiter=self.delimiter)
        start = 1
        for row in reader:
            if start >= first_line and len(row) != width and not is_blank(row):
                raise Refusal(
                    f"{self.path.name}, line {start}: {len(row)} cells, but the header has {width}; "
                    "repair that row (a missing quote, or one delimiter too many)."
                )
            start = reader.line_num + 1


def open_table(path: Path) -> Table:
    """Find out how a file is read, or refuse it."""
    csv.field_size_limit(2**31 - 1)
    with path.open("rb") as file:
        magic = file.read(8)
    if not magic:
        raise Refusal(f"{path.name} is empty: a header line and at least 30 rows are needed.")
    if magic[:4] == b"PAR1":
        header = parquet.header(path)
        names, physical = name_columns(path, header)
        return Table(path, with_suffix(path.name, ".parquet"), "parquet", names, physical)
    encoding = detect_encoding(path)
    with open_text(path, encoding) as text:
        head = text.read(HEAD_CHARACTERS)
    if not head.strip():
        raise Refusal(f"{path.name} is empty: a header line and at least 30 rows are needed.")
    if re.match(r"\s*(<!doctype|<html|<head|<\?xml|<body)", head, re.IGNORECASE):
        raise Refusal(f"{path.name} holds a web page (HTML or XML), not a table: download the file behind that page.")
    ended = HEADER.match(head.lstrip())
    if ended and ended[1] == "\r":
        raise Refusal(
            f"{path.name} ends its lines with carriage returns alone, as old Macs did: save it with line feeds."
        )
    delimiter, rows = sniff_delimiter(path, head)
    names, physical = name_columns(path, rows[0])
    decimal = "," if delimiter != "," and has_decimal_commas(rows[1:]) else "."
    return Table(path, stored_name(path, magic), "csv", names, physical, encoding, delimiter, decimal)


def is_blank(row: list[str]) -> bool:
    """Say whether a line holds nothing but white space."""
    return not row or (len(row) == 1 and not row[0].strip())


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
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile:
        raise Refusal(f"{path.name} is a damaged zip archive.") from None
    members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX/")]
    if any(member.filename in ("[Content_Types].xml", "mimetype") for member in members):
        raise Refusal(f"{path.name} is a spreadsheet or document, not a text table: save it as CSV first.")
    if len(members) != 1:
        raise Refusal(f"{path.name} holds {len(members)} files: pack the one table alone.")
    if members[0].flag_bits & 1:
        raise Refusal(f"{path.name} is protected by a password: unpack it first.")
    return archive.open(members[0])


def open_text(path: Path, encoding: str) -> io.TextIOWrapper:
    """Open a file as text, line ends kept for the csv module."""
    return io.TextIOWrapper(open_bytes(path), encoding=encoding, newline="")


def detect_encoding(path: Path) -> str:
    """Look at every byte: UTF-8 if it is valid, else one of the two Western code pages."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    utf8, windows, signed, first = True, False, False, True
    try:
        with open_bytes(path) as file:
            while block := file.read(BLOCK_BYTES):
                if first and block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                    return "utf-16"
                if b"\0" in block or (first and binary_looking(block)):
                    raise Refusal(f"{path.name} is a binary file, not a text table: export it as CSV or Parquet.")
                signed = signed or (first and block.startswith(codecs.BOM_UTF8))
                first = False
                windows = windows or re.search(rb"[\x80-\x9f]", block) is not None
                if utf8:
                    try:
                        decoder.decode(block)
                    except UnicodeDecodeError:
                        utf8 = False
    except (EOFError, zlib.error, zipfile.BadZipFile, gzip.BadGzipFile):
        raise Refusal(f"{path.name} is damaged: it could not be unpacked to its end.") from None
    if first:
        raise Refusal(f"{path.name} is empty: a header line and at least 30 rows are needed.")
    if utf8:
        return "utf-8-sig" if signed else "utf-8"
    return "cp1252" if windows else "latin-1"


def binary_looking(block: bytes) -> bool:
    """Say whether many control characters stand in the first kilobytes."""
    head = block[:4096]
    return len(re.findall(rb"[\x01-\x08\x0e-\x1a]", head)) > len(head) / 100


def sniff_delimiter(path: Path, head: str) -> tuple[str, list[list[str]]]:
    """Return the delimiter that splits the header, and the other rows in the same way; and these rows."""
    best: tuple[float, int, str, list[list[str]]] | None = None
    for delimiter in DELIMITERS:
        rows = [row for row in csv.reader(io.StringIO(head, newline=""), delimiter=delimiter) if not is_blank(row)]
        if len(head) == HEAD_CHARACTERS:
            rows = rows[:-1] or rows  # the last one is cut
        width = len(rows[0])
        if width < 2:
            continue
        share = Counter(map(len, rows))[width] / len(rows)
        if best is None or (share, width) > best[:2]:
            best = (share, width, delimiter, rows)
    if best is None:
        raise Refusal(f"{path.name} has fewer than 2 columns: no comma, semicolon, tab or bar splits its header.")
    return best[2], best[3]


def has_decimal_commas(rows: list[list[str]]) -> bool:
    """Say whether numbers are written as 1,5."""
    cells = [cell.strip() for row in rows for cell in row]
    commas = sum(re.fullmatch(r"[+-]?\d+,\d+", cell) is not None for cell in cells)
    points = sum(re.fullmatch(r"[+-]?\d+\.\d+", cell) is not None for cell in cells)
    return commas > points


def name_columns(path: Path, header: list[str]) -> tuple[tuple[str, ...], dict[int, str]]:
    """Strip the header; an empty cell gets a name of its own."""
    names = [cell.strip() for cell in header]
    physical = {}
    empty = [position for position, name in enumerate(names) if not name]
    if len(empty) > 1:
        columns = " and ".join(str(position + 1) for position in empty[:2])
        raise Refusal(f"{path.name}: columns {columns} have no name: name them in the header, or delete them.")
    for position in empty:
        names[position] = f"column_{position + 1}"
        physical[position] = header[position]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise Refusal(f"{path.name} has two columns named {twice[0]!r}: rename one of them in its header.")
    if len(names) < 2:
        raise Refusal(f"{path.name} has fewer than 2 columns: a target and at least one more are needed.")
    if "row_id" in names and "row_id_" not in names:  # run directories name their rows with it
        position = names.index("row_id")
        names[position], physical[position] = "row_id_", header[position]
    return tuple(names), physical


def stored_name(path: Path, magic: bytes) -> str:
    """Return the name in the data folder; its ending says how the file is packed, which readers go by."""
    packed = ".gz" if magic[:2] == b"\x1f\x8b" else ".zip" if magic[:4] == b"PK\x03\x04" else ""
    return with_suffix(re.sub(r"\.(gz|zip|parquet)$", "", path.name, flags=re.IGNORECASE), "", packed)


def with_suffix(name: str, suffix: str, packed: str = "") -> str:
    """Return a safe name that ends in a table's suffix, and in that of the packing."""
    name = safe_name(name)
    known = (suffix,) if suffix else (".csv", ".tsv", ".txt", ".tab")
    return (name if name.lower().endswith(known) else name + (suffix or ".csv")) + packed
