"""Refusals: one clear sentence each. The command line prints the sentence and exits with 2."""


class ReviewError(Exception):
    """Bad input. The message names the file and field, says what is wrong and what to do."""


class UnusablePredictions(ReviewError):
    """The model's own answers cannot be judged (not finite, not a probability, a label that does not exist)."""
