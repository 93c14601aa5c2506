"""Faults that real input has, made on purpose: noise, missing values, categories never seen before.

Each column has its own stream of random numbers, so two models that read different columns meet the same faults.
"""

import zlib

import numpy as np
import pandas as pd

from .contract import Column

SCENARIOS = ("test", "noise:0.1", "noise:0.5", "missing:0.05", "missing:0.2", "unseen-category")


def disturb(typed: pd.DataFrame, columns: list[Column], scenario: str, seed: int) -> pd.DataFrame:
    """A copy of the typed table with `columns` disturbed.

    `noise:s` adds normal noise of s standard deviations, `missing:p` removes a share p of the values.
    """
    kind, _, amount = scenario.partition(":")
    changed = typed.copy()
    for column in columns:
        values = typed[column.name]
        random = np.random.default_rng([seed, zlib.crc32(f"{scenario} {column.name}".encode())])
        if kind == "noise" and column.type in ("integer", "number"):
            spread = float(amount) * float(values.std(ddof=0))
            changed[column.name] = values + spread * random.standard_normal(len(values))
        elif kind == "missing":
            changed[column.name] = values.mask(random.random(len(values)) < float(amount))
        elif kind == "unseen-category" and column.is_category:
            changed[column.name] = "a level that was never seen"
    return changed
