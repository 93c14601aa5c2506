"""`model-review card`: read, render, write two files and print one line."""

import argparse
import os
from datetime import UTC, datetime

from model_review.card.annex_iv import technical_documentation
from model_review.card.model_card import model_card
from model_review.card.sources import Places, read_sources
from model_review.card.statements import MISSING
from model_review.errors import ReviewError
from model_review.files import write_text

CARD, DOCUMENTATION = "MODEL_CARD.md", "TECHNICAL_DOCUMENTATION.md"


def run_card(arguments: argparse.Namespace) -> int:
    """`model-review card`."""
    places = Places(
        run=arguments.run,
        repo=arguments.repo,
        comparison=arguments.comparison,
        verdict=arguments.verdict,
        probe=arguments.probe,
        image=arguments.image,
    )
    sources = read_sources(places, arguments.date or today())
    texts = {CARD: model_card(sources), DOCUMENTATION: technical_documentation(sources)}
    for name, text in texts.items():
        write_text(arguments.out / name, text)
    # A quotation stands indented, so no person's sentence is counted.
    missing = {name: text.count(f"\n- {MISSING}: ") for name, text in texts.items()}
    print("Owed by a person: " + ", ".join(f"{count} statements in {name}" for name, count in missing.items()) + ".")
    return 0


def today() -> str:
    """The day in UTC, or the one that SOURCE_DATE_EPOCH sets, as reproducible builds do."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is None:
        return datetime.now(UTC).strftime("%Y-%m-%d")
    try:
        return datetime.fromtimestamp(int(given), UTC).strftime("%Y-%m-%d")
    except (ValueError, OverflowError, OSError):
        raise ReviewError("SOURCE_DATE_EPOCH is no number of seconds; unset it or give --date.") from None
