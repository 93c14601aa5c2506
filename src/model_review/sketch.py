"""A sketch of a set of row ids, from which the share of rows that two sets have in common can be estimated."""

import numpy as np
import pyarrow as pa
from pandas.util import hash_array

SIZE = 256
DIGITS = 12
BLOCK = 500_000


def sketch(row_ids: pa.Array) -> str:
    """The smallest hashes of the ids, as one hexadecimal text."""
    smallest = np.empty(0, dtype=np.uint64)
    for start in range(0, len(row_ids), BLOCK):
        block = row_ids[start : start + BLOCK].to_numpy(zero_copy_only=False)
        hashes = hash_array(block.astype(object), categorize=False) >> np.uint64(64 - 4 * DIGITS)
        smallest = np.unique(np.concatenate([smallest, hashes]))[:SIZE]
    return "".join(f"{int(one):0{DIGITS}x}" for one in smallest)


def shared_share(new: str, new_rows: int, old: str, old_rows: int) -> float:
    """About the share of the new set's rows that the old set holds."""
    first, second = _split(new), _split(old)
    if not first or not second or new_rows < 1:
        return 0.0
    union = sorted(first | second)[:SIZE]
    alike = sum(one in first and one in second for one in union) / len(union)
    return min(alike * (new_rows + old_rows) / (1 + alike) / new_rows, 1.0)


def _split(text: str) -> set[str]:
    return {text[place : place + DIGITS] for place in range(0, len(text), DIGITS)}
