"""The table as training sees it: which row is which, and which side of the split it is on.

Both follow from the row's own values, never from its place in the file or from chance: they stay when the table grows.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from . import InputError
from .contract import Contract
from .data import chunks, parse, violations


@dataclass(frozen=True)
class Table:
    """The same rows as text, typed, and as `row_id`, `part`, `features_digest`, `label_digest`."""

    contract: Contract
    raw: pd.DataFrame
    typed: pd.DataFrame
    rows: pd.DataFrame

    @property
    def truth(self) -> np.ndarray:
        """Class labels as text, or numbers."""
        name = self.contract.target.name
        numbers = self.contract.task == "regression"
        return (self.typed[name] if numbers else self.raw[name].str.strip().astype(object)).to_numpy()

    @property
    def labels(self) -> np.ndarray:
        """What folds keep in balance: the class of each row; a regression has one."""
        return np.zeros(len(self.rows)) if self.contract.task == "regression" else self.truth

    @property
    def groups(self) -> pd.Series | None:
        """The entity of each row, or None."""
        entity = self.contract.single("entity")
        return None if entity is None else self.raw[entity]

    def part(self, name: str) -> "Table":
        """The rows of one part."""
        chosen = self.rows["part"] == name
        return Table(self.contract, self.raw[chosen], self.typed[chosen], self.rows[chosen])

    def folds(self, most: int, seed: int) -> list[Any]:
        """As many folds as can hold every class each, at most `most`, entities whole; none where not even two can.

        They are shuffled, because files are often sorted.
        """
        labels, groups = self.labels, self.groups
        kind, units = (StratifiedKFold, self.rows.index) if groups is None else (StratifiedGroupKFold, groups)
        rarest = pd.Series(units).groupby(labels).nunique().min()
        tried = (kind(count, shuffle=True, random_state=seed) for count in range(min(most, int(rarest)), 1, -1))
        made = (list(one.split(self.raw, labels, groups)) for one in tried)
        return next((folds for folds in made if all({*labels[test]} == {*labels} for _, test in folds)), [])


def load(path: Path, contract: Contract, split: Mapping[str, Any]) -> Table:
    """Read, check and split the table."""
    return checked(next(chunks(path, contract, None)), path, contract, split)


def checked(raw: pd.DataFrame, path: Path, contract: Contract, split: Mapping[str, Any]) -> Table:
    """Parse and split the text of a table; an `InputError` holds every violation of the contract in one message."""
    typed, unreadable = parse(raw, contract, path, [column.name for column in contract.columns])
    lines = [f"{path} breaks contract.yaml; mend the data, or the contract if the data are right:"]
    for (column, problem), group in violations(typed, unreadable, contract).groupby(["column", "problem"], sort=False):
        row, value = int(group["row"].iloc[0]) + 1, group["value"].iloc[0]
        shown = "" if pd.isna(value) else f"{value!r} in "
        lines.append(f"  column {column!r}: {len(group)} value(s); {shown}row {row} {problem}")
    if len(lines) > 1:
        raise InputError("\n".join(lines))
    keys = _joined(raw, contract.row_key)
    ids, others = pd.Series(_digests(keys, 20), raw.index), sorted(set(map(str, raw)) - {contract.target.name})
    rows = {
        "row_id": ids + "-" + ids.groupby(ids).cumcount().astype("str"),
        "part": _parts(raw, typed, contract, split, keys),
        "features_digest": _digests(_joined(raw, others), 16),
        "label_digest": _digests(raw[contract.target.name], 16),
    }
    return Table(contract, raw, typed, pd.DataFrame(rows, raw.index))


def saved(file: Path, contract: Contract, needed: list[str]) -> Table:
    """The rows of a run's evaluation.parquet; the `needed` columns must be there and readable."""
    named = tuple(replace(column, header=column.name) for column in contract.columns)
    raw = next(chunks(file, replace(contract, columns=named), None))
    typed, unreadable = parse(raw, contract, file, ["row_id", *needed])
    for _, column, value, problem in unreadable[unreadable["column"].isin(needed)].itertuples(index=False):
        raise InputError(f"{file}: column {column!r}: {value!r} {problem}, so the model cannot score these rows")
    return Table(contract, raw, typed, raw[["row_id"]])


def _parts(raw: pd.DataFrame, typed: pd.DataFrame, contract: Contract, split: Any, keys: list[str]) -> np.ndarray:
    time, entity = contract.single("time"), contract.single("entity")
    if time is None:
        shares = [int(digest, 16) / 2**32 for digest in _digests(keys if entity is None else raw[entity], 8)]
        evaluation = np.array(shares) < split["evaluation_share"]
    elif first := split.get("evaluation_from"):
        evaluation = (typed[time] >= pd.Timestamp(first)).to_numpy()
    else:
        raise InputError(f"params.yaml: {time!r} has the role time; give split.evaluation_from, the first date to test")
    unlabelled = typed[contract.target.name].isna().to_numpy()
    return np.where(unlabelled, "unlabelled", np.where(evaluation, "evaluation", "train"))


def _joined(raw: pd.DataFrame, columns: Iterable[str]) -> list[str]:
    return ["\x1f".join(values) for values in zip(*(raw[column].tolist() for column in columns), strict=True)]


def _digests(values: Iterable[str], length: int) -> list[str]:
    return [hashlib.sha256(value.encode()).hexdigest()[:length] for value in values]


def digest(row_ids: Iterable[str]) -> str:
    """The digest that names a set of evaluation rows, whatever their order."""
    return "sha256:" + hashlib.sha256("\n".join(sorted(row_ids)).encode()).hexdigest()
