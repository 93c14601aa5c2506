"""The generated project's own reader, in this process: its modules of data and settings hold no Jinja."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

from bake import ROOT
from inference import Inferred, infer_file
from store import store_table

SOURCE = ROOT / "{{cookiecutter.project_slug}}" / "src" / "{{cookiecutter.__package_name}}"


def module(name: str) -> Any:
    """Return a module of the project, whose package is called `generated` here; the package itself without a name."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # generation in another test may list this folder
    try:
        return _imported(name)
    finally:
        sys.dont_write_bytecode = before


def _imported(name: str) -> Any:
    if "generated" not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            "generated", SOURCE / "__init__.py", submodule_search_locations=[str(SOURCE)]
        )
        assert spec
        assert spec.loader
        sys.modules["generated"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["generated"])
    return importlib.import_module(f"generated.{name}" if name else "generated")


def first_read(path: Path, target: str, folder: Path) -> tuple[Inferred, Any]:
    """Infer from a table, put the files into a folder as generation does, and read the table as training does."""
    inferred = infer_file(path, target)
    for name in ("contract.yaml", "params.yaml"):
        (folder / name).write_text(inferred.files[name], encoding="utf-8", newline="\n")
    store_table(inferred.table, folder / "data" / inferred.table.file_name)
    contract, params = module("settings").load(folder)
    return inferred, module("rows").load(folder / contract.path, contract, params["split"])
