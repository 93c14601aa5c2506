"""Write `contract.yaml` as text, so that comments stand beside what they explain."""

import json
import re
from collections.abc import Iterable, Sequence

from answers import Answers
from columns import MISSING, Scan
from kinds import MOST_CATEGORIES
from names import word_set
from roles import Judged, Property
from table import Table
from task import NONE, Task

PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*([-.][A-Za-z0-9_]+)*")
WIDTH = 118
YAML_WORDS = word_set("true false yes no on off null y n")
UNPRINTABLE = re.compile(r"[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


def quote(text: str) -> str:
    """Write text in double quotes, as YAML, TOML and JSON all read it."""
    return UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(text, ensure_ascii=False))


def scalar(text: str) -> str:
    """Write text for YAML, without quotes where it is a plain word."""
    return text if PLAIN.fullmatch(text) and text.lower() not in YAML_WORDS else quote(text)


def listing(values: Iterable[str]) -> str:
    """Write a list of texts."""
    return "[" + ", ".join(map(scalar, values)) + "]"


def wrapped(before: str, items: Sequence[str], after: str = "") -> list[str]:
    """Write a list on as many lines as it needs."""
    indent = " " * (len(before) - len(before.lstrip()) + 2)
    lines = [before + "["]
    for item in items:
        if len(lines[-1]) + len(item) > WIDTH and not lines[-1].endswith("["):
            lines[-1] = lines[-1].rstrip()
            lines.append(indent)
        lines[-1] += f"{item}, "
    lines[-1] = lines[-1].removesuffix(", ") + "]" + after
    return lines


def comment(text: str) -> str:
    """Write a comment behind a line; nothing in the text may end it."""
    return f"  # {UNPRINTABLE.sub(' ', ' '.join(text.split()))}" if text else ""


def row_key(judged: Judged) -> list[str]:
    """Return the columns that identify a row."""
    identifiers = [entry.name for entry in judged.with_role("identifier")]
    return identifiers or [entry.name for entry in judged.properties if "target" not in entry.roles]


def contract_text(answers: Answers, table: Table, scan: Scan, task: Task, judged: Judged) -> str:
    """Return the whole file."""
    sampled = len(scan.sample[0])
    words = f"{sampled:,} rows spread over the file" if sampled < scan.rows else "the same rows"
    absent = [token for token in MISSING if token != NONE or not task.none_is_a_class]
    lines = [
        "# The data contract: what each column is and what holds for it. Training checks every row against it.",
        "# Made from the table when the project was generated; from then on it is yours: edit it.",
        "kind: DataContract",
        "apiVersion: v3.2.0",
        f"id: {answers.project_slug}",
        f"name: {quote(answers.project_name)}",
        "version: 1.0.0",
        "status: draft",
        "description:",
        f"  purpose: {quote(answers.description or f'Predict {task.target}.')}",
        f"  limitations: {quote(limitations(scan, words))}",
        "servers:",
        f"  - {{server: local, type: local, path: data/{table.file_name}, format: {table.format}}}",
        "schema:",
        f"  - name: {scalar(re.sub(r'[.](csv|tsv|txt|tab|parquet)([.](gz|zip))?$', '', table.file_name))}",
        "    logicalType: object",
        "    physicalType: table",
        "    customProperties:",
    ]
    if table.format == "csv":
        lines += [
            f"      - {{property: delimiter, value: {quote(table.delimiter)}}}",
            f"      - {{property: encoding, value: {table.encoding}}}",
        ]
    lines += [
        f"      - {{property: decimal, value: {quote(table.decimal)}}}",
        f"      - {{property: missingValues, value: {json_list(absent)}}}",
        "      # What identifies a row; it stays as it is, also when columns come or go.",
        *wrapped("      - {property: rowKey, value: ", list(map(scalar, row_key(judged))), "}"),
        f"      - {{property: task, value: {task.name}}}",
        "    properties:",
    ]
    for position, entry in enumerate(judged.properties):
        lines += property_lines(entry, table.physical_names.get(position))
    return "\n".join(lines) + "\n"


def limitations(scan: Scan, words: str) -> str:
    """Say how much of the file each statement rests on."""
    return (
        f"Types, nulls, ranges, uniqueness and categories (up to {MOST_CATEGORIES} are listed) hold for all "
        f"{scan.rows:,} rows. Roles, free text, personal data and leaks were suggested from {words}; "
        "identifiers, entity and time columns are set apart first and not tested as leaks. "
        "Ranges are as seen, widened on both sides by their own width."
    )


def property_lines(entry: Property, physical_name: str | None) -> list[str]:
    """Return one column."""
    kind = entry.kind
    lines = [f"      - name: {scalar(entry.name)}"]
    if physical_name is not None:
        lines.append(f"        physicalName: {quote(physical_name)}")
    lines.append(f"        logicalType: {kind.logical_type}")
    if kind.required:
        lines.append("        required: true")
    if entry.unique:
        lines.append("        unique: true")
    checked = "unused" not in entry.roles
    if kind.enum and checked:
        lines += wrapped("        enum: ", [f"{{value: {quote(value)}}}" for value in kind.enum])
    if checked:
        lines += limit_lines(entry)
    if entry.restricted:
        lines.append("        classification: restricted")
    lines.append("        customProperties:")
    notes = [entry.comment, "a person decides: [feature] or [forbidden]" if entry.suspected_leak else ""]
    note = comment("; ".join(filter(None, notes)))
    lines.append(f"          - {{property: roles, value: {listing(entry.roles)}}}{note}")
    lines += [f"          - {{property: {name}, value: {value}}}" for name, value in custom(entry)]
    return lines


def limit_lines(entry: Property) -> list[str]:
    """Return what limits the values."""
    kind = entry.kind
    limits = []
    grows = not {"identifier", "entity"}.isdisjoint(entry.roles)
    if kind.minimum is not None and not grows:
        limits.append(f"minimum: {quote(kind.minimum) if kind.dates else kind.minimum}")
    if kind.maximum is not None and not grows:
        limits.append(f"maximum: {kind.maximum}")
    if kind.max_length is not None:
        limits.append(f"maxLength: {kind.max_length}")
    if not limits:
        return []
    seen = f"seen: {kind.seen}" if kind.seen else f"seen: {(kind.max_length or 0) // 2}"
    return [f"        logicalTypeOptions: {{{', '.join(limits)}}}{comment(seen)}"]


def custom(entry: Property) -> Sequence[tuple[str, str]]:
    """Return the custom properties after the roles."""
    kind = entry.kind
    found: list[tuple[str, str]] = []
    if kind.true_values:
        found += [("trueValues", json_list(kind.true_values)), ("falseValues", json_list(kind.false_values))]
    if kind.dates:
        found.append(("dateFormats", json_list(kind.dates.formats)))
    if kind.missing_values:
        found.append(("missingValues", json_list(kind.missing_values)))
    if kind.free_text and "feature" in entry.roles:
        found.append(("text", "true"))
    if entry.positive_class is not None:
        found.append(("positiveClass", quote(entry.positive_class)))
    if entry.suspected_leak:
        found.append(("suspectedLeak", quote(entry.suspected_leak)))
    return found


def json_list(values: Iterable[str]) -> str:
    """Write a list of texts, all of them in quotes."""
    return "[" + ", ".join(map(quote, values)) + "]"
