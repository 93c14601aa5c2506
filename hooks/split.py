"""Where a split by time would fall."""

from collections import Counter
from collections.abc import Sequence
from datetime import date

EVALUATION_SHARE = 0.2
SHARES = (0.1, 0.35)  # outside of these the dates lump too much
FEWEST_ROWS = 5  # of each class on both sides
SPAN = (date(1950, 1, 1), date(2100, 1, 1))


def evaluation_from(days: Sequence[date | None], labels: Sequence[str]) -> date | None:
    """Return the day from which on about a fifth of the labelled rows come; none where that makes no fair test.

    Args:
        days: when each labelled row happened.
        labels: its class; one and the same text for regression.
    """
    known = [day for day in days if day is not None]
    if len(known) < len(days) or not known or not (SPAN[0] <= min(known) and max(known) <= SPAN[1]):
        return None
    counts = Counter(known)
    later, best = 0, None
    for day in sorted(counts, reverse=True):
        later += counts[day]
        share = later / len(known)
        if SHARES[0] <= share <= SHARES[1] and (best is None or abs(share - EVALUATION_SHARE) < best[0]):
            best = (abs(share - EVALUATION_SHARE), day)
    if best is None:
        return None
    evaluated = Counter(label for day, label in zip(known, labels, strict=True) if day >= best[1])
    trained = Counter(labels) - evaluated
    enough = all(evaluated[label] >= FEWEST_ROWS and trained[label] >= FEWEST_ROWS for label in set(labels))
    return best[1] if enough else None
