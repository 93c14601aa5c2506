"""SliceLine's score of a slice: worse than the rest, and large enough to matter (Sagadeeva and Boehm, SIGMOD 2021)."""


def sliceline_score(slice_error: float, slice_rows: int, error: float, rows: int, alpha: float = 0.95) -> float:
    """Positive where the slice's mean error stands out more than its smallness takes back."""
    return alpha * (slice_error / error - 1) - (1 - alpha) * (rows / slice_rows - 1)
