"""The comment's text around the report: what happened where there is no verdict, and the footer."""

from dataclasses import dataclass

from model_review import __version__
from model_review.forge.judgement import Judged
from model_review.forge.locate import Pull, Run
from model_review.report.escape import code, text

LIMIT = 59_500  # of a comment's 65,536 characters; the marker is added by the poster
FOOTER = 2_500  # more than any footer takes
NAMED = 5  # jobs that are named where they failed
CLAIMS = "The numbers are the pull request's claims and are computed again at release."


@dataclass(frozen=True)
class Links:
    """Where things are; made of checked parts only."""

    repository: str  # https://github.com/owner/name
    run: int
    page: int | None  # the HTML artifact's id
    figure: bool = False  # whether the ledger action stores a picture

    @property
    def run_url(self) -> str:
        """The run's page."""
        return f"{self.repository}/actions/runs/{self.run}"


def comment_body(judged: Judged, run: Run, pull: Pull, links: Links, failed: list[tuple[str, str]]) -> str:
    """The whole comment without its marker; `failed` are the jobs and steps of the run that failed."""
    ended = ""
    if judged.outcome == "judged" and run.conclusion != "success":
        ended = f"{_ended(run, failed)}; [see its jobs]({links.run_url}).\n\n"
    shown = ""
    if links.figure:  # asked for by the commit, so that no cache shows the last push's picture
        address = f"{links.repository}/raw/model-review/figures/{pull.number}.png?{run.head_sha[:10]}"
        shown = f"![Change of each metric with its interval]({address})\n\n"
    return f"{_main(judged, run, links, failed).rstrip()}\n\n{shown}{ended}{_footer(judged, run, pull, links)}\n"


def _ended(run: Run, failed: list[tuple[str, str]]) -> str:
    """How the run ended, and where; its names are its own."""
    named = [f"{code(job)}" + (f" ({code(step)})" if step else "") for job, step in failed[:NAMED]]
    where = f" in {', '.join(named)}" if named else ""
    return f"The run ended as {code(run.conclusion)}{where}"


def _main(judged: Judged, run: Run, links: Links, failed: list[tuple[str, str]]) -> str:
    if judged.outcome == "judged":
        return judged.report
    if judged.outcome == "unchanged":
        return f"**Nothing to compare.** {text(judged.why)}"
    if judged.outcome == "withheld":
        return f"## \u23f8\ufe0f Verdict withheld\n\n{text(judged.why)}"
    if judged.outcome == "refused":
        return (
            "## \u26a0\ufe0f Comparison refused\n\nWhat the run left behind is not a comparison that can be trusted "
            f"enough to be shown.\n\n{text(judged.why)}"
        )
    return (
        f"## \u26a0\ufe0f No comparison\n\n{_ended(run, failed)} and left no comparison, so there is no verdict on "
        f"this commit. [See what happened in the run]({links.run_url}), mend it and push again."
    )


def _footer(judged: Judged, run: Run, pull: Pull, links: Links) -> str:
    parts = [
        f"Commit [{run.head_sha[:10]}]({links.repository}/commit/{run.head_sha})",
        f"base [{pull.base.sha[:10]}]({links.repository}/commit/{pull.base.sha})",
        f"[run]({links.run_url})",
    ]
    if links.page is not None and judged.outcome == "judged":
        parts.append(f"[page with plots]({links.run_url}/artifacts/{links.page}), as the run made it")
    if judged.counted:
        parts.append(f"judged by the base branch's policy; {text(judged.counted)}")
    claims = f"{CLAIMS} " if judged.outcome == "judged" else ""
    return f"<sub>{', '.join(parts)}. {claims}model-review {__version__}</sub>"
