"""Before generation: refuse, or infer the project's files from the table and stage them.

The files wait in one hidden folder, since cookiecutter refuses to render into folders that exist; `finish` moves them.
"""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import demo_data
from answers import Answers, Refusal, read_answers
from columns import scan
from contract import contract_text
from example import example_text
from fetch import download, locate
from found import found_text
from params import params_text
from policy import policy_text
from roles import assign_roles
from store import store_table
from table import Table, open_table
from task import find_target, resolve

STAGE = Path(".inferred")


def main(raw: Mapping[str, str]) -> int:
    """Return the exit code."""
    try:
        answers = read_answers(raw)
        with_table(answers)
    except Refusal as refusal:
        print(f"model-review: {refusal}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"model-review: {error.filename or 'the project folder'}: {error.strerror}.", file=sys.stderr)
        return 2
    return 0


def with_table(answers: Answers) -> None:
    """Bring the table here, and remove what was fetched or half made."""
    STAGE.mkdir(exist_ok=True)
    fetched: Path | None = None
    try:
        if answers.dataset:
            path = locate(answers.dataset, answers.caller_folder)
            fetched = path = path or download(answers.dataset)
            fetched = None if locate(answers.dataset, answers.caller_folder) else fetched
        else:
            path = STAGE / "customers.csv"
            demo_data.write_table(path)
        stage(answers, path)
    except BaseException:
        shutil.rmtree(STAGE)
        raise
    finally:
        if fetched:
            shutil.rmtree(fetched.parent)


def stage(answers: Answers, path: Path) -> None:
    """Write what was inferred."""
    table = open_table(path)
    files = infer(answers, table)
    store_table(table, STAGE / "data" / table.file_name)
    for name, text in files.items():
        file = STAGE / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")


def infer(answers: Answers, table: Table) -> dict[str, str]:
    """Return the project's files that follow from the table, by path."""
    position = find_target(table.path.name, table.names, answers.target)
    result = scan(table)
    task = resolve(result.columns[position], answers.task)
    judged = assign_roles(result, table, task)
    return {
        "contract.yaml": contract_text(answers, table, result, task, judged),
        "params.yaml": params_text(task, judged),
        "model-review.toml": policy_text(task, judged, result, table),
        "tests/example-request.json": example_text(judged, result, table),
        "found.txt": found_text(table, result, task, judged),
    }
