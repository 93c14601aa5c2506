"""Say in at most 25 lines what was found in the table."""

from columns import Scan
from roles import Judged
from store import GIT_LIMIT_BYTES
from table import Table
from task import Task

MOST_LINES = 12


def found_text(table: Table, scan: Scan, task: Task, judged: Judged) -> str:
    """Return the summary that is printed after generation."""
    features = judged.with_role("feature")
    lines = [f"{table.path.name}: {scan.rows:,} rows, {len(scan.columns)} columns ({how_read(table)})"]
    lines.append(f"task: {task.name}, target {task.target!r}{classes(task, scan)}")
    lines += [f"  {entry.comment}" for entry in judged.with_role("target") if entry.comment]
    slices, sensitive = listed(judged, "slice"), listed(judged, "sensitive")
    lines.append(f"features: {len(features)}; slices: {slices}; sensitive: {sensitive}")
    apart = [entry for entry in judged.properties if "feature" not in entry.roles and "target" not in entry.roles]
    lines += [f"  {entry.roles[0]} {entry.name!r}: {entry.comment}" for entry in apart[:MOST_LINES]]
    if len(apart) > MOST_LINES:
        lines.append(f"  and {len(apart) - MOST_LINES} more columns, each with its reason in contract.yaml")
    for entry in [entry for entry in features if entry.suspected_leak][:3]:
        lines.append(f"  suspected leak {entry.name!r}: {entry.suspected_leak}; decide in contract.yaml")
    if judged.evaluation_from:
        lines.append(f"evaluation: rows from {judged.evaluation_from.isoformat()} on")
    if table.path.stat().st_size > GIT_LIMIT_BYTES:
        size = table.path.stat().st_size / 1e6
        lines.append(f"data/{table.file_name} has {size:,.0f} MB, too much for plain git: use Git LFS or DVC for it")
    return "\n".join(lines) + "\n"


def how_read(table: Table) -> str:
    """Say how the file was read."""
    if table.format == "parquet":
        return "Parquet"
    delimiter = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}[table.delimiter]
    return f"{delimiter}, {table.encoding}" + (", decimal comma" if table.decimal == "," else "")


def classes(task: Task, scan: Scan) -> str:
    """Say how the rows divide."""
    if not task.labels:
        return ""
    shares = [f"{label!r} {count:,}" for label, count in task.labels.most_common(4)]
    more = f", {len(task.labels) - 4} more" if len(task.labels) > 4 else ""
    missing = scan.rows - task.labels.total()
    return f" ({', '.join(shares)}{more})" + (f", {missing:,} rows without a target" if missing else "")


def listed(judged: Judged, role: str) -> str:
    """List the columns that have a role."""
    return ", ".join(repr(entry.name) for entry in judged.with_role(role)) or "none"
