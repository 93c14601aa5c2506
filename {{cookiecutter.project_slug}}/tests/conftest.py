"""The project's own table, cut to at most 2,000 rows, and one model trained on it."""

import importlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # small tables: more threads only wait for each other

import numpy as np
import pandas as pd
import pytest
from starlette.testclient import TestClient

from {{ cookiecutter.__package_name }} import ROOT, model, rundir, settings, tracking, train
from {{ cookiecutter.__package_name }}.contract import Contract
from {{ cookiecutter.__package_name }}.data import chunks
from {{ cookiecutter.__package_name }}.rows import Table, checked

MOST_ROWS = 2000


@pytest.fixture(scope="session")
def contract() -> Contract:
    return settings.load(ROOT)[0]


@pytest.fixture(scope="session")
def params() -> dict[str, Any]:
    return settings.load(ROOT)[1]


@pytest.fixture(scope="session")
def raw(contract: Contract) -> pd.DataFrame:
    whole = next(chunks(ROOT / contract.path, contract, None))
    return whole.iloc[:: -(-len(whole) // MOST_ROWS)].reset_index(drop=True)


@pytest.fixture(scope="session")
def table(raw: pd.DataFrame, contract: Contract, params: dict[str, Any]) -> Table:
    return checked(raw, ROOT / contract.path, contract, params["split"])


@pytest.fixture(scope="session")
def training(table: Table) -> Table:
    return table.part("train")


@pytest.fixture(scope="session")
def classes(table: Table) -> tuple[str, ...]:
    if table.contract.task == "regression":
        return ()
    return tuple(sorted({*table.part("train").truth, *table.part("evaluation").truth}))


@pytest.fixture(scope="session")
def fitted(training: Table, classes: tuple[str, ...], params: dict[str, Any]) -> model.Model:
    return train.fit(params["estimator"], training, classes, params)


@pytest.fixture(scope="session")
def project(raw: pd.DataFrame, contract: Contract, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project's files with the small table, trained once."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("contract.yaml", "params.yaml"):
        shutil.copy(ROOT / name, folder / name)
    data = folder / contract.path
    data.parent.mkdir(parents=True)
    headers = {column.name: column.header for column in contract.columns}
    if data.suffix == ".parquet":
        raw.rename(columns=headers).to_parquet(data, index=False)
    else:
        raw.rename(columns=headers).to_csv(
            data, index=False, sep=contract.more["delimiter"], encoding=contract.more["encoding"]
        )
    with pytest.MonkeyPatch.context() as patch:
        for module in (train, tracking, rundir):
            patch.setattr(module, "ROOT", folder)
        train.train(folder / "run")
    return folder


@pytest.fixture(scope="session")
def client(project: Path) -> Iterator[TestClient]:
    """The service of that model, called without a network."""
    os.environ |= {"MODEL_FOLDER": str(project / "run/model"), "SERVICE_LOG_FOLDER": str(project / "logs")}
    service = importlib.import_module("{{ cookiecutter.__package_name }}.service").Service
    with TestClient(service.to_asgi(), raise_server_exceptions=False) as client:
        yield client


def row_loss(fitted: model.Model, table: Table) -> np.ndarray:
    """Log loss or absolute error of each row."""
    predicted, probabilities = fitted.predict(table.typed)
    if probabilities is None:
        return np.abs(table.truth - predicted)
    column = [fitted.classes.index(label) for label in table.truth]
    return -np.log(np.clip(probabilities[np.arange(len(column)), column], 1e-6, 1))
