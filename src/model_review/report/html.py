"""report.html: one self-contained page, with real plots, light and dark, and no network."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from model_review.comparison import Comparison
from model_review.comparison_groups import CAUTIOUS
from model_review.report.group_sections import slice_direction, slice_mark
from model_review.report.plots import figures
from model_review.report.sections import kinds
from model_review.report.tables import MARK
from model_review.verdict import Verdict
from model_review.wording import about, error_of, level, number, p_of, percent, signed, span


def html_report(comparison: Comparison, verdict: Verdict) -> str:
    """The page; Jinja escapes everything that comes from a run."""
    return _template().render(c=comparison, v=verdict, figures=figures(comparison)) + "\n"


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("model_review.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"about": about, "error_of": error_of, "level": level, "number": number, "percent": percent}
    environment.globals |= {"signed": signed, "span": span, "mark": MARK, "p_of": p_of}
    environment.globals |= {"cautious": CAUTIOUS, "kinds": kinds}
    environment.globals |= {"slice_direction": slice_direction, "slice_mark": slice_mark}
    return environment.get_template("report.html.j2")
