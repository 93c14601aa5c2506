"""Before generation: refuse, or infer the project's files from the table and stage them."""

import gc
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import demo_data
from answers import Answers, Refusal, read_answers
from columns import scan
from contract import contract_text
from example import example_text
from fetch import download, locate
from found import found_text
from packed import unpacked_parquet
from params import params_text
from policy import policy_text
from roles import assign_roles
from stage import FOUND, STAGE, write_files
from store import store_table
from table import Table, open_table
from task import find_target, resolve


def main(raw: Mapping[str, str]) -> int:
    """Return the exit code."""
    gc.disable()  # millions of cells, none of them in a cycle: looking for cycles costs a fifth of the time
    try:
        answers = read_answers(raw)
        stage(answers)
    except Refusal as refusal:
        print(f"model-review: {refusal}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"model-review: {error.filename or 'the project folder'}: {error.strerror}.", file=sys.stderr)
        return 2
    return 0


def stage(answers: Answers) -> None:
    """Write what follows from the table, all of it or nothing."""
    with tempfile.TemporaryDirectory(prefix="model-review-") as folder:
        path = bring_table(answers, Path(folder))
        table = open_table(path)
        files = infer(answers, table)
        try:
            write_files(files)
            store_table(table, STAGE / "data" / table.file_name)
        except OSError:
            shutil.rmtree(STAGE, ignore_errors=True)
            raise


def bring_table(answers: Answers, folder: Path) -> Path:
    """Return the table's file: the one that is named, or a download or the demo data in a folder of its own."""
    if not answers.dataset:
        demo_data.write_table(folder / "customers.csv")
        return folder / "customers.csv"
    path = locate(answers.dataset, answers.caller_folder) or download(answers.dataset, folder)
    return unpacked_parquet(path, folder) or path


def infer(answers: Answers, table: Table) -> dict[str, str]:
    """Return the project's files that follow from the table, by path."""
    position = find_target(table.path.name, table.names, answers.target)
    result = scan(table)
    task = resolve(result.columns, position, answers.task)
    judged = assign_roles(result, table, task)
    return {
        "contract.yaml": contract_text(answers, table, result, task, judged),
        "params.yaml": params_text(task, judged, result.columns[position].rows),
        "model-review.toml": policy_text(task, judged, result, table),
        "tests/example-request.json": example_text(judged, result, table),
        FOUND: found_text(table, result, task, judged),
    }
