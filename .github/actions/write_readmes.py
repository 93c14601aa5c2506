"""Write the tables of each action's README from its action.yml: `python .github/actions/write_readmes.py`."""

from pathlib import Path
from typing import Any

import yaml

ACTIONS = Path(__file__).resolve().parent
START, END = "<!-- made from action.yml by write_readmes.py -->", "<!-- end -->"


INDEX = ACTIONS.parent.parent / "docs/actions.md"


def tables(action: dict[str, Any]) -> str:
    """Inputs and outputs in Markdown."""
    parts = []
    if inputs := action.get("inputs"):
        rows = [[f"`{name}`", _cell(one["description"]), _default(one)] for name, one in inputs.items()]
        parts.append(_table("Inputs", ["input", "meaning", "default"], rows))
    if outputs := action.get("outputs"):
        rows = [[f"`{name}`", _cell(one["description"])] for name, one in outputs.items()]
        parts.append(_table("Outputs", ["output", "meaning"], rows))
    return "\n".join(parts)


def _default(given: dict[str, Any]) -> str:
    return "required" if given.get("required") else f"`{given['default']}`" if given.get("default") else "empty"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _table(title: str, header: list[str], rows: list[list[str]]) -> str:
    lines = [f"## {title}", "", "| " + " | ".join(header) + " |", "|---" * len(header) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows), ""])


def rendered(folder: Path) -> str:
    """The README of an action as it should be."""
    action = yaml.safe_load((folder / "action.yml").read_text(encoding="utf-8"))
    before, _, rest = (folder / "README.md").read_text(encoding="utf-8").partition(START)
    return f"{before}{START}\n{tables(action)}{END}{rest.partition(END)[2]}"


def index() -> str:
    """The page that lists the actions, as it should be."""
    rows = []
    for file in sorted(ACTIONS.glob("*/action.yml")):
        action = yaml.safe_load(file.read_text(encoding="utf-8"))
        name = file.parent.name
        rows.append([f"[`{name}`](../.github/actions/{name}/README.md)", _cell(action["description"])])
    before, _, rest = INDEX.read_text(encoding="utf-8").partition(START)
    return f"{before}{START}\n{_table('All of them', ['action', 'does'], rows)}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    INDEX.write_text(index(), encoding="utf-8", newline="\n")
    for file in sorted(ACTIONS.glob("*/action.yml")):
        (file.parent / "README.md").write_text(rendered(file.parent), encoding="utf-8", newline="\n")
