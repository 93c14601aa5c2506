"""What several of the template's tests share."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from bake import bake
from project import SETTINGS, made_from, must
from tables import TABLES


@pytest.fixture(scope="session")
def mlflow_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A tracking URI whose SQLite file exists already: making the tables takes seconds, once per test process."""
    import mlflow

    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        file = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
        uri = f"sqlite:///{file}"
        mlflow.MlflowClient(tracking_uri=uri).search_experiments()
        assert sqlite3.connect(file).execute("select count(*) from experiments").fetchone()
        yield uri


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory, mlflow_store: str) -> Path:
    """A project of the real table, trained once; tests copy it before they change it."""
    table = next(table for table in TABLES if table.name.startswith("bank marketing"))
    project = made_from(table, tmp_path_factory.mktemp("bank"))
    done = must(project, "train", MLFLOW_TRACKING_URI=mlflow_store)
    (project / "train.log").write_text(done.stderr, encoding="utf-8")
    return project


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, mlflow_store: str) -> Path:
    """The demo project, trained once; tests copy it before they change it."""
    folder = tmp_path_factory.mktemp("demo")
    project = bake(folder)
    must(project, "train", MLFLOW_TRACKING_URI=mlflow_store)
    return project


@pytest.fixture
def demo_copy(demo: Path, tmp_path: Path) -> Path:
    """The trained demo project, to be changed."""
    return Path(shutil.copytree(demo, tmp_path / "project", symlinks=True))
