"""The table as training sees it: which row is which, and which side of the split it is on.

Both follow from the row's own values, never from its place in the file or from chance: they stay when the table grows.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import BaseCrossValidator, GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from .command import InputError
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
        return labels(self.raw, self.typed, self.contract)

    @property
    def groups(self) -> pd.Series | None:
        """The entity of each row, or None."""
        entity = self.contract.single("entity")
        return None if entity is None else self.raw[entity]

    def part(self, name: str) -> "Table":
        """The rows of one part."""
        chosen = self.rows["part"] == name
        return Table(self.contract, self.raw[chosen], self.typed[chosen], self.rows[chosen])

    def folds(self, count: int, seed: int) -> BaseCrossValidator:
        """Folds: shuffled, because files are often sorted; entities stay whole where there are enough of them."""
        whole = self.groups is not None and self.groups.nunique() >= count
        if self.contract.task == "regression":
            return (GroupKFold if whole else KFold)(count, shuffle=True, random_state=seed)
        return (StratifiedGroupKFold if whole else StratifiedKFold)(count, shuffle=True, random_state=seed)


def load(path: Path, contract: Contract, split: Mapping[str, Any]) -> Table:
    """Read, check and split the table."""
    return checked(next(chunks(path, contract, None)), path, contract, split)


def checked(raw: pd.DataFrame, path: Path, contract: Contract, split: Mapping[str, Any]) -> Table:
    """Parse and split the text of a table; an `InputError` holds every violation of the contract in one message."""
    if absent := [column.name for column in contract.columns if column.name not in raw]:
        raise InputError(
            f"{path}: column {absent[0]!r} of contract.yaml is not in the file; bring it back, or edit both"
        )
    typed, unreadable = parse(raw, contract)
    found = violations(typed, unreadable, contract)
    if len(found):
        lines = [f"{path} breaks contract.yaml; mend the data, or the contract if the data are right:"]
        for (column, problem), group in found.groupby(["column", "problem"], sort=False):
            row, value = int(group["row"].iloc[0]) + 1, group["value"].iloc[0]
            shown = "" if pd.isna(value) else f"{value!r} in "
            lines.append(f"  column {column!r}: {len(group)} value(s); {shown}row {row} {problem}")
        raise InputError("\n".join(lines))
    keys = _joined(raw, contract.row_key)
    digests = pd.Series(_digests(keys, 20), raw.index, dtype="str")
    rows = pd.DataFrame(
        {
            "row_id": digests + "-" + digests.groupby(digests).cumcount().astype("str"),
            "part": _parts(raw, typed, contract, split, keys),
            "features_digest": _digests(_joined(raw, sorted(set(map(str, raw)) - {contract.target.name})), 16),
            "label_digest": _digests(raw[contract.target.name], 16),
        },
        raw.index,
    )
    return Table(contract, raw, typed, rows)


def labels(raw: pd.DataFrame, typed: pd.DataFrame, contract: Contract) -> np.ndarray:
    """The target: class labels as text, or numbers."""
    name = contract.target.name
    return (typed[name] if contract.task == "regression" else raw[name].str.strip().astype(object)).to_numpy()


def _parts(
    raw: pd.DataFrame, typed: pd.DataFrame, contract: Contract, split: Mapping[str, Any], keys: list[str]
) -> np.ndarray:
    time, entity = contract.single("time"), contract.single("entity")
    if time is None:
        shares = [int(digest, 16) / 2**32 for digest in _digests(keys if entity is None else raw[entity], 8)]
        evaluation = np.array(shares) < split["evaluation_share"]
    elif not split.get("evaluation_from"):
        raise InputError(
            f"params.yaml: {time!r} has the role time; give split.evaluation_from, the first date to test on"
        )
    else:
        evaluation = (typed[time] >= pd.Timestamp(str(split["evaluation_from"]))).to_numpy()
    unlabelled = typed[contract.target.name].isna().to_numpy()
    return np.where(unlabelled, "unlabelled", np.where(evaluation, "evaluation", "train"))


def _joined(raw: pd.DataFrame, columns: Iterable[str]) -> list[str]:
    return ["\x1f".join(values) for values in zip(*(raw[column].tolist() for column in columns), strict=True)]


def _digests(values: Iterable[str], length: int) -> list[str]:
    return [hashlib.sha256(value.encode()).hexdigest()[:length] for value in values]


def evaluation_digest(row_ids: Iterable[str]) -> str:
    """The digest that names a set of evaluation rows, whatever their order."""
    return "sha256:" + hashlib.sha256("\n".join(sorted(row_ids)).encode()).hexdigest()
