"""The sketch of a run's row ids: the smallest of their hashes."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from model_review.sketch import DIGITS, SIZE

BLOCK = 500_000


def sketch(row_ids: pa.Array) -> str:
    """The smallest hashes of the ids, as one hexadecimal text."""
    smallest = np.empty(0, dtype=np.uint64)
    for start in range(0, len(row_ids), BLOCK):
        hashes = hash_rows(row_ids[start : start + BLOCK]) >> np.uint64(64 - 4 * DIGITS)
        few = (
            np.unique(hashes)[:SIZE]
            if len(hashes) <= 2 * SIZE
            else np.unique(np.partition(hashes, 2 * SIZE)[: 2 * SIZE])
        )
        smallest = np.unique(np.concatenate([smallest, few]))[:SIZE]
    return "".join(f"{int(one):0{DIGITS}x}" for one in smallest)


def hash_rows(texts: pa.Array) -> NDArray[np.uint64]:
    """FNV-1a of every text, finished with a mixer: the same on every machine and in every version."""
    plain = pa.concat_arrays([texts.cast(pa.large_string())])
    data = np.frombuffer(plain.buffers()[2] or b"", dtype=np.uint8).astype(np.uint64)
    ends = np.frombuffer(plain.buffers()[1], dtype=np.int64)[plain.offset : plain.offset + len(plain) + 1]
    starts, lengths = ends[:-1], np.diff(ends)
    found = np.full(len(plain), 0xCBF29CE484222325, dtype=np.uint64)
    live = np.arange(len(plain))
    for place in range(int(lengths.max(initial=0))):
        live = live[lengths[live] > place]
        found[live] = (found[live] ^ data[starts[live] + place]) * np.uint64(0x100000001B3)
    found ^= found >> np.uint64(33)
    found *= np.uint64(0xFF51AFD7ED558CCD)
    return found ^ (found >> np.uint64(33))
