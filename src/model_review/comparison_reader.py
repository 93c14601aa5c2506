"""Reading a comparison that somebody else wrote: the schema, then whether its parts hang together."""

from typing import Any

from pydantic import ValidationError

from model_review.comparison import Comparison
from model_review.consistency import contradictions
from model_review.errors import ReviewError
from model_review.run_record import first_problem

SCHEMA = "model-review/comparison@1"
COMPARISON_CAP = 64 * 2**20


def parse_comparison(where: str, data: dict[str, Any]) -> Comparison:
    """Check a comparison that is not trusted; `where` names the file in the refusal."""
    if data.get("schema") != SCHEMA:
        raise ReviewError(f"{where}: field schema must be {SCHEMA}; this engine reads no other version.")
    try:
        comparison = Comparison.model_validate(data)
    except (ValidationError, RecursionError) as error:
        raise ReviewError(f"{where}: {first_problem(error)}.") from None
    problem = next(contradictions(comparison), None)
    if problem is not None:
        raise ReviewError(f"{where} contradicts itself: {problem}; compare again.")
    return comparison
