"""What the ledger records of a comparison, and `model-review ledger`; both load without the statistics' libraries."""

import argparse
import json
from datetime import UTC, datetime

from model_review.comparison import Comparison
from model_review.comparison_reader import COMPARISON_CAP, parse_comparison
from model_review.errors import ReviewError
from model_review.files import read_json
from model_review.ledger import Look, append_look, is_digest, look_number, parse_look, read_ledger, reveals
from model_review.text import plain


def look_of(comparison: Comparison, time: str) -> Look | None:
    """What the ledger records of a comparison; None where two sides were not compared."""
    champion, rows = comparison.champion, comparison.rows
    if (
        champion is None
        or not comparison.metrics
        or not all(map(is_digest, (champion.key, comparison.challenger.key, rows.evaluation_digest)))
    ):
        return None
    return Look(
        evaluation_digest=rows.evaluation_digest,
        row_count=rows.compared,
        time=time,
        challenger_key=comparison.challenger.key,
        champion_key=champion.key,
        alpha=comparison.settings.alpha_look,
        sketch=rows.sketch,
    )


def run_ledger(arguments: argparse.Namespace) -> int:
    """`model-review ledger`."""
    if (arguments.comparison is None) == (arguments.look is None):
        raise ReviewError("Give either --comparison or --look: one of them says what was looked at.")
    time = arguments.time or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if arguments.look is not None:
        try:
            data = json.loads(arguments.look)
        except (ValueError, RecursionError):
            raise ReviewError("--look is not valid JSON; give one object with the fields of a ledger line.") from None
        look = parse_look("--look", {"time": time, **data} if isinstance(data, dict) else data)
    else:
        comparison = parse_comparison(plain(arguments.comparison), read_json(arguments.comparison, COMPARISON_CAP))
        found = look_of(comparison, time)
        if found is None:
            print("No look: the two sides were not compared.")
            return 0
        look = found
    if arguments.action == "append":
        number = append_look(arguments.ledger, look)
    else:
        number = look_number(read_ledger(arguments.ledger), look)
    print(f"Look {number}." if reveals(look) else "No look: the two sides answer alike.")
    return 0
