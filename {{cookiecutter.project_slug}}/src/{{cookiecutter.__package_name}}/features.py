"""From typed columns to model columns: the one function that training, batch prediction and the service share.

Add your own features here. What is learnt from data (which levels are frequent) is learnt in `learn`, from training
rows alone, and saved with the model.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .contract import NUMERIC, TEMPORAL, Contract

MISSING, RARE = "(missing)", "(rare)"


@dataclass(frozen=True)
class Features:
    """The raw columns by kind, and for each category the levels that are frequent enough to be told apart."""

    numbers: list[str]
    dates: list[str]
    texts: list[str]
    levels: dict[str, list[str]]

    @property
    def raw(self) -> list[str]:
        """The raw columns that a model of these features reads."""
        return [*self.numbers, *self.dates, *self.texts, *self.levels]

    def columns(self, values: Any) -> dict[str, np.ndarray]:
        """Model columns from raw ones by name: floats (missing is NaN), dates (NaT) or texts (None or NaN), n of each.

        Returns:
            Float arrays, and for categories object arrays of text without missing values.
        """
        made = {name: np.asarray(values[name], dtype=float) for name in self.numbers}
        for name in self.dates:
            made |= _date_parts(name, np.asarray(values[name], dtype="datetime64[D]"))
        for name in self.texts:
            texts = [text if isinstance(text, str) else "" for text in values[name]]
            made[f"{name}: characters"] = np.array([len(text) for text in texts], dtype=float)
            made[f"{name}: words"] = np.array([len(text.split()) for text in texts], dtype=float)
        for name, known in self._known.items():
            made[name] = levels = np.asarray(values[name], dtype=object)
            if not known.issuperset(levels.tolist()):
                told = [level if level in known else RARE if isinstance(level, str) else MISSING for level in levels]
                made[name] = np.array(told, dtype=object)
        return made

    @cached_property
    def _known(self) -> dict[str, frozenset[str]]:
        return {name: frozenset(levels) for name, levels in self.levels.items()}


def learn(train: Any, contract: Contract, settings: dict[str, int]) -> Features:
    """Sort the contract's features by kind, and find the frequent levels of the categories in training rows.

    Args:
        train: raw columns of the training rows.
        contract: tells kinds and roles.
        settings: `max_levels` per category; a level with fewer than `min_level_rows` rows is rare.
    """
    chosen = contract.having("feature")
    return Features(
        numbers=[column.name for column in chosen if column.type in NUMERIC],
        dates=[column.name for column in chosen if column.type in TEMPORAL],
        texts=[column.name for column in chosen if column.type == "string" and not column.is_category],
        levels={column.name: _frequent(train[column.name], settings) for column in chosen if column.is_category},
    )


def _frequent(values: Any, settings: dict[str, int]) -> list[str]:
    levels, counts = np.unique([level for level in values if isinstance(level, str)], return_counts=True)
    most = np.argsort(-counts, kind="stable")[: settings["max_levels"]]
    return sorted(str(levels[i]) for i in most if counts[i] >= settings["min_level_rows"])


def _date_parts(name: str, days: np.ndarray) -> dict[str, np.ndarray]:
    since_1970 = days.astype(np.int64).astype(float)
    parts = {
        f"{name}: days since 1970": since_1970,
        f"{name}: month": days.astype("datetime64[M]").astype(np.int64) % 12 + 1.0,
        f"{name}: day of week": (since_1970 + 3) % 7,  # 1970-01-01 was a Thursday; Monday is 0
    }
    return {part: np.where(np.isnat(days), np.nan, values) for part, values in parts.items()}
