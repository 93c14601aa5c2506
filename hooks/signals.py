"""How well one column alone predicts the target: its levels, learnt on half of the sample, predict the other half."""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from itertools import compress
from operator import not_
from random import Random

ROWS_PER_BIN = 20
PRIOR_ROWS = 1.0


def halves(count: int) -> list[bool]:
    """Divide rows by chance, the same way on every run; an even and odd split would follow periods in the file."""
    order = list(range(count))
    Random(0).shuffle(order)
    first = [False] * count
    for position in order[: count // 2]:
        first[position] = True
    return first


def bin_numbers(values: Sequence[float | None], most_bins: int) -> list[Hashable]:
    """Turn numbers into levels: themselves where they repeat, else fine quantile bins; no value is a level too."""
    present = sorted(value for value in values if value is not None)
    if len(set(present)) * ROWS_PER_BIN <= len(present):
        return list(values)
    bins = max(5, min(most_bins, len(present) // ROWS_PER_BIN))
    edges = sorted({present[number * len(present) // bins] for number in range(1, bins)})
    # A value that is an edge gets a bin of its own: with many zeros, zero is one level and whatever is above another.
    return [None if value is None else bisect_left(edges, value) + bisect_right(edges, value) for value in values]


def ranking_score(levels: Sequence[Hashable], labels: Sequence[str], first: Sequence[bool]) -> float:
    """Return the AUC, over both halves each predicted by the other; for several classes, the mean over them."""
    pairs = list(zip(levels, labels, strict=True))
    tables = Counter(compress(pairs, first)), Counter(compress(pairs, map(not_, first)))
    classes = sorted(set(labels))
    classes = classes[:1] if len(classes) == 2 else classes
    scores = []
    for positive in classes:
        counts = [_by_level(table, positive) for table in tables]
        for learnt, other in (counts, counts[::-1]):
            auc = _auc(learnt, other)
            if auc is not None:
                scores.append(auc)
    return sum(scores) / len(scores) if scores else 0.5


def _by_level(table: Counter[tuple[Hashable, str]], positive: str) -> dict[Hashable, list[int]]:
    counts: dict[Hashable, list[int]] = defaultdict(lambda: [0, 0])
    for (level, label), count in table.items():
        counts[level][label == positive] += count
    return counts


def _auc(learnt: dict[Hashable, list[int]], other: dict[Hashable, list[int]]) -> float | None:
    negatives, positives = (sum(counts[side] for counts in learnt.values()) for side in (0, 1))
    if not positives + negatives:
        return None
    base = positives / (positives + negatives)
    by_score: dict[float, list[int]] = defaultdict(lambda: [0, 0])
    for level, counts in other.items():
        known = learnt.get(level, (0, 0))
        score = (known[1] + PRIOR_ROWS * base) / (sum(known) + PRIOR_ROWS)
        by_score[score][0] += counts[0]
        by_score[score][1] += counts[1]
    below, won = 0, 0.0
    total = [sum(counts[side] for counts in by_score.values()) for side in (0, 1)]
    if not all(total):
        return None
    for _, (lost, gained) in sorted(by_score.items()):
        won += gained * (below + lost / 2)
        below += lost
    return won / (total[0] * total[1])


def explained_share(levels: Sequence[Hashable], values: Sequence[float], first: Sequence[bool]) -> float:
    """Return R2 of the level means, over both halves each predicted by the other."""
    shares = []
    for learning in (True, False):
        sums: dict[Hashable, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for level, value, chosen in zip(levels, values, first, strict=True):
            if chosen is learning:
                entry = sums[level]
                entry[0] += value
                entry[1] += 1
        means = {level: total / number for level, (total, number) in sums.items()}
        base = sum(total for total, _ in sums.values()) / sum(number for _, number in sums.values())
        rows = zip(levels, values, first, strict=True)
        shares.append(_r2([(means.get(level, base), value) for level, value, chosen in rows if chosen is not learning]))
    return sum(shares) / 2


def copied_share(numbers: Sequence[float | None], values: Sequence[float], first: Sequence[bool]) -> float:
    """Return R2 of the line between the two nearest learnt rows: a copy in another unit, for which bins are coarse."""
    shares = []
    for learning in (True, False):
        known: dict[float, list[float]] = defaultdict(list)
        for number, value, chosen in zip(numbers, values, first, strict=True):
            if chosen is learning and number is not None:
                known[number].append(value)
        if len(known) < 2:
            return 0.0
        points = sorted((number, sum(found) / len(found)) for number, found in known.items())
        rows = zip(numbers, values, first, strict=True)
        shares.append(
            _r2([(_between(points, number), value) for number, value, chosen in rows if chosen is not learning])
        )
    return sum(shares) / 2


def _between(points: list[tuple[float, float]], number: float | None) -> float:
    if number is None:
        return points[len(points) // 2][1]
    right = min(max(bisect_left(points, (number,)), 1), len(points) - 1)
    (x0, y0), (x1, y1) = points[right - 1], points[right]
    return y0 + (y1 - y0) * (number - x0) / (x1 - x0)


def _r2(pairs: list[tuple[float, float]]) -> float:
    centre = sum(value for _, value in pairs) / len(pairs)
    spread = sum((value - centre) ** 2 for _, value in pairs)
    missed = sum((value - guess) ** 2 for guess, value in pairs)
    return 1 - missed / spread if spread else 0.0
