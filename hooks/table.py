"""A table as a file: which kind of file it is, how its text is read, and its rows, chunk by chunk."""

import csv
import io
import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import parquet
from answers import Refusal
from encoding import detect_encoding
from fetch import safe_name
from packed import PARQUET, open_bytes, unpacking

if TYPE_CHECKING:
    import _csv

HEAD_CHARACTERS = 1 << 16
HEAD_LINES = 10  # below the header, however long that is
MOST_HEAD_CHARACTERS = 1 << 24  # no header is longer
CELLS_PER_CHUNK = 100_000  # more do not fit into the processor's caches
DELIMITERS = (",", ";", "\t", "|")
LINE_END = re.compile(r"\r\n|\n|\r")
END = '\0"'  # put behind the last line: a row of its own, or where a quote is still open, closing it, in its cell


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
        reader = self._reader(strict=True)  # as training reads it
        width = len(self.names)
        while is_blank(self._take(reader, 1)[0]):
            pass  # the first row that is not blank is the header
        ended = False
        while not ended:
            line = reader.line_num + 1
            chunk = self._take(reader, size)
            if chunk[-1] and "\0" in chunk[-1][-1]:
                refuse_open_quote(self.path, chunk.pop(), reader.line_num)
                ended = True
            if set(map(len, chunk)) - {width}:
                chunk = [row for row in chunk if not is_blank(row)]
                if set(map(len, chunk)) - {width}:
                    self._refuse_uneven(line, width)
            if chunk:
                yield chunk

    def _take(self, reader: "_csv.Reader", size: int) -> list[list[str]]:
        """Read so many rows at most, or refuse what stands there instead."""
        try:
            with unpacking(self.path):
                return list(islice(reader, size))
        except csv.Error:
            self._refuse_quote(reader.line_num)

    def _reader(self, strict: bool = False) -> "_csv.Reader":
        return csv.reader(chain(open_text(self.path, self.encoding), [END]), delimiter=self.delimiter, strict=strict)

    def _refuse_quote(self, line: int) -> NoReturn:
        """Read again as far as it goes, to tell a quote that nothing closes from text behind a closing one."""
        reader = self._reader()
        last = deque(reader, maxlen=1).pop()
        refuse_open_quote(self.path, last, reader.line_num)
        raise Refusal(
            f"{self.path.name}, line {line}: text follows a closing quote: double the quotes inside that cell, or "
            "remove them."
        )

    def _refuse_uneven(self, first_line: int, width: int) -> None:
        """Read again, row by row, to name the line."""
        reader = self._reader()
        start = 1
        for row in reader:
            if start >= first_line and len(row) != width and not is_blank(row):
                raise Refusal(
                    f"{self.path.name}, line {start}: {len(row)} cells, but the header has {width}; "
                    "repair that row (a missing quote, or one delimiter too many)."
                )
            start = reader.line_num + 1


def refuse_open_quote(path: Path, last: list[str], line: int) -> None:
    """Refuse a table whose last row, which ends at that line, is not the mark of the end alone."""
    if last == [END]:
        return
    swallowed = last[-1].removesuffix("\0")
    opened = line - len(LINE_END.findall(swallowed)) - (not swallowed.endswith(("\n", "\r")))
    raise Refusal(
        f"{path.name}, line {opened}: a quote opens there that nothing closes, so the rest of the file would be one "
        "cell: close it, or remove it."
    )


def open_table(path: Path) -> Table:
    """Find out how a file is read, or refuse it."""
    csv.field_size_limit(2**31 - 1)
    with path.open("rb") as file:
        magic = file.read(8)
    if not magic:
        raise Refusal(f"{path.name} is empty: a header line and at least 30 rows are needed.")
    if magic[:4] == PARQUET:
        header = parquet.header(path)
        names, physical = name_columns(path, header)
        stored = re.sub(r"\.parquet$", "", safe_name(path.name), flags=re.IGNORECASE) + ".parquet"
        return Table(path, stored, "parquet", names, physical)
    encoding = detect_encoding(path)
    head, whole = read_head(path, encoding)
    if not head.strip():
        raise Refusal(f"{path.name} is empty: a header line and at least 30 rows are needed.")
    if re.match(r"\s*(<!doctype|<html|<head|<\?xml|<body)", head, re.IGNORECASE):
        raise Refusal(f"{path.name} holds a web page (HTML or XML), not a table: download the file behind that page.")
    ended = header_end(head.lstrip())
    if ended and ended[0] == "\r":
        raise Refusal(
            f"{path.name} ends its lines with carriage returns alone, as old Macs did: save it with line feeds."
        )
    delimiter, rows = sniff_delimiter(path, head, whole)
    names, physical = name_columns(path, rows[0])
    decimal = "," if delimiter != "," and has_decimal_commas(rows[1:]) else "."
    return Table(path, stored_name(path, magic), "csv", names, physical, encoding, delimiter, decimal)


def read_head(path: Path, encoding: str) -> tuple[str, bool]:
    """Return the beginning of a text, with its header and some lines below, and whether that is all of it."""
    head = ""
    with open_text(path, encoding) as text:
        while len(head) < MOST_HEAD_CHARACTERS:
            size = max(HEAD_CHARACTERS, len(head))  # twice as much each time: the head is looked at from its start
            more = text.read(size)
            head += more
            if len(more) < size:
                return head, True
            ended = header_end(head.lstrip())
            if ended and head.lstrip().count("\n", ended.end()) >= HEAD_LINES:
                break
    return head, False


def header_end(text: str) -> re.Match[str] | None:
    """Return the first line end outside of quotes."""
    quotes = start = 0  # counted, since a pattern that steps over them remembers each step: a gigabyte at worst
    for found in LINE_END.finditer(text):
        quotes += text.count('"', start, found.start())
        start = found.end()
        if quotes % 2 == 0:
            return found
    return None


def is_blank(row: list[str]) -> bool:
    """Say whether a line holds nothing but white space, so that pandas skips it; one of quotes alone it does not."""
    return not row or (len(row) == 1 and row[0] != "" and not row[0].strip(" \t"))


def open_text(path: Path, encoding: str) -> io.TextIOWrapper:
    """Open a file as text, line ends kept for the csv module."""
    return io.TextIOWrapper(open_bytes(path), encoding=encoding, newline="")


def sniff_delimiter(path: Path, head: str, whole: bool) -> tuple[str, list[list[str]]]:
    """Return the delimiter that splits the header, and the other rows in the same way; and these rows."""
    best: tuple[float, int, str, list[list[str]]] | None = None
    for delimiter in DELIMITERS:
        reader = csv.reader(chain(io.StringIO(head, newline=""), [END]), delimiter=delimiter)
        rows = [row for row in reader if not is_blank(row)]
        last = rows.pop()
        if last == [END] and not whole and len(rows) > 1:
            rows.pop()  # it is cut
        if not rows:
            refuse_open_quote(path, last, reader.line_num)
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
    """Strip the header; an empty cell gets a name of its own, and so does what run directories need."""
    names = [cell.strip() for cell in header]
    empty = [position for position, name in enumerate(names) if not name]
    if len(empty) > 1:
        columns = " and ".join(str(position + 1) for position in empty[:2])
        raise Refusal(f"{path.name}: columns {columns} have no name: name them in the header, or delete them.")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise Refusal(f"{path.name} has two columns named {twice[0]!r}: rename one of them in its header.")
    if len(names) < 2:
        raise Refusal(f"{path.name} has fewer than 2 columns: a target and at least one more are needed.")
    physical = {}
    for position, name in enumerate(names):
        if name in ("", "row_id"):  # run directories name their rows with it
            own = f"{name}_" if name else f"column_{position + 1}"
            while own in names:
                own += "_"
            names[position], physical[position] = own, name
    return tuple(names), physical


def stored_name(path: Path, magic: bytes) -> str:
    """Return a safe name in the data folder; its ending says how the file is packed, which readers go by."""
    packed = ".gz" if magic[:2] == b"\x1f\x8b" else ".zip" if magic[:4] == b"PK\x03\x04" else ""
    name = safe_name(re.sub(r"\.(gz|zip|parquet)$", "", path.name, flags=re.IGNORECASE))
    return (name if name.lower().endswith((".csv", ".tsv", ".txt", ".tab")) else name + ".csv") + packed
