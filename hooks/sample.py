"""Rows spread evenly over a table whose length is not known beforehand."""

MOST_ROWS = 20_000
MOST_CELLS = 4_000_000


class SpreadSample:
    """Keeps every n-th row; whenever it holds twice too many, it drops every other one and doubles n."""

    def __init__(self, width: int) -> None:
        """Set the limit: a wide table is sampled with fewer rows, for the memory's sake."""
        self.most = max(2_000, min(MOST_ROWS, MOST_CELLS // width))
        self.stride = 1
        self.seen = 0
        self.rows: list[list[str]] = []

    def absorb(self, chunk: list[list[str]]) -> None:
        """Take in the next rows."""
        self.rows += chunk[len(self.rows) * self.stride - self.seen :: self.stride]
        self.seen += len(chunk)
        while len(self.rows) >= 2 * self.most:
            self.rows = self.rows[::2]
            self.stride *= 2

    def columns(self) -> tuple[tuple[str, ...], ...]:
        """Return at most the limit of rows, column by column, stripped."""
        total = len(self.rows)
        if total > self.most:
            self.rows = [self.rows[number * total // self.most] for number in range(self.most)]
        return tuple(tuple(map(str.strip, cells)) for cells in zip(*self.rows, strict=True))
