"""`model-review verify-attestation`: read, check, print one line."""

import argparse
import sys

from model_review.attestation import CAP, Refused, check, read_statements
from model_review.files import read_bytes, read_json
from model_review.image_reference import parse_image
from model_review.text import plain


def run_verify(arguments: argparse.Namespace) -> int:
    """0: it says what it must. 1: it says something else. 2: it cannot be read."""
    image = parse_image(arguments.image)
    statements = read_statements(plain(arguments.bundle), read_bytes(arguments.bundle, CAP))
    predicate = None if arguments.predicate is None else read_json(arguments.predicate, CAP)
    try:
        check(statements, image, arguments.type, predicate, plain(arguments.predicate))
    except Refused as refusal:
        print(f"model-review: {refusal}", file=sys.stderr)
        return 1
    kinds = ", ".join(plain(one.predicate_type) for one in statements)
    print(f"About {image}: {kinds}. The signature is for `gh attestation verify` to check.")
    return 0
