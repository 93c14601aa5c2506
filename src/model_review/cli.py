"""The command line: the only place that prints and exits."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from model_review.service_arguments import add_service_verbs

DESCRIPTION = "Compare a pull request's model with main's and answer promote, hold or reject."
VERBS = {
    "compare": ("verbs", "run_compare"),
    "judge": ("verbs", "run_judge"),
    "ledger": ("looks", "run_ledger"),
    "key": ("base_verbs", "run_key"),
    "base": ("base_verbs", "run_base"),
    "champion": ("review_verbs", "run_champion"),
    "check": ("review_verbs", "run_check"),
    "review": ("review_verbs", "run_review"),
    "figure": ("figure", "run_figure"),
    "labels": ("image_labels", "run_labels"),
    "comment": ("forge.verb", "run_comment"),
    "probe": ("probe.verb", "run_probe"),
    "push": ("release.verb", "run_push"),
    "deployed": ("release.records_verb", "run_deployed"),
    "find": ("release.records_verb", "run_find"),
    "reproduced": ("release.records_verb", "run_reproduced"),
    "sbom": ("release.records_verb", "run_sbom"),
    "release-note": ("release.records_verb", "run_release_note"),
    "promote": ("release.verb", "run_promote"),
    "rollback": ("release.verb", "run_rollback"),
    "record": ("release.verb", "run_record"),
    "card": ("card.verb", "run_card"),
    "verify-attestation": ("attestation_verb", "run_verify"),
}
VERDICTS = ("promote", "hold", "reject")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb. 0: promote or hold. 1: a verdict that `--fail-on` or the policy fails on. 2: bad input."""
    parsed = _parser().parse_args(arguments)
    # Heavy imports wait until a verb needs them, so that --help, key and base answer at once.
    from model_review.errors import ReviewError
    from model_review.text import plain

    try:
        module, verb = VERBS[parsed.verb]
        return int(getattr(import_module(f"model_review.{module}"), verb)(parsed))
    except ReviewError as error:
        print(f"model-review: {error}", file=sys.stderr)
    except MemoryError:
        print("model-review: the input needs more memory than there is; give fewer rows.", file=sys.stderr)
    except OSError as error:
        print(f"model-review: {plain(error)}.", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="model-review", description=DESCRIPTION)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="{" + ",".join(VERBS) + "}")

    compare = verbs.add_parser("compare", help="compare two run directories and write the verdict and the report")
    compare.add_argument("--champion", required=True, metavar="DIR", help="main's run directory, or none (first run)")
    compare.add_argument(
        "--challenger", required=True, type=Path, metavar="DIR", help="the pull request's run directory"
    )
    compare.add_argument("--because", metavar="TEXT", help="with --champion none: why main's model was not scored")
    compare.add_argument("--policy", required=True, type=Path, metavar="FILE", help="the base branch's policy")
    compare.add_argument("--contract", type=Path, metavar="FILE", help="the base branch's data contract")
    compare.add_argument("--out", required=True, type=Path, metavar="DIR", help="where the four files are written")
    compare.add_argument("--reseeded", type=Path, metavar="DIR", help="the champion with another seed, for self-churn")
    _probes(compare)
    compare.add_argument("--warn", action="append", metavar="TEXT", help="a warning for the report (repeatable)")
    compare.set_defaults(changed=None)  # `review` asks git
    _judging(compare)

    judge = verbs.add_parser("judge", help="compute the verdict again from comparison.json and the policy")
    judge.add_argument("--comparison", required=True, type=Path, metavar="FILE", help="comparison.json")
    judge.add_argument("--policy", required=True, type=Path, metavar="FILE", help="the base branch's policy")
    about = "the base branch's data contract, which compare was given: another question than its own is held"
    judge.add_argument("--contract", type=Path, metavar="FILE", help=about)
    judge.add_argument("--out", type=Path, metavar="DIR", help="where verdict.json and the reports are written")
    _judging(judge)

    about = "judge a finished workflow run again by the base branch's rules, and comment on its pull request"
    comment = verbs.add_parser("comment", help=about, epilog="GITHUB_TOKEN and GITHUB_REPOSITORY are read as well.")
    comment.add_argument("--run", required=True, type=int, metavar="ID", help="the workflow run that compared")
    comment.add_argument("--policy", default="model-review.toml", metavar="FILE", help="the policy in the repository")
    comment.add_argument("--contract", default="contract.yaml", metavar="FILE", help="its data contract")
    comment.add_argument("--identity", default="github-actions[bot]", metavar="LOGIN", help="whom the token posts as")
    comment.add_argument("--artifact", default="model-review-comparison", metavar="NAME", help="holds comparison.json")
    comment.add_argument("--page", default="model-review.html", metavar="NAME", help="the artifact to link to")
    comment.add_argument("--guide", default="", metavar="URL", help="where the reading guide stands")
    figures = "show the picture that the ledger action will store on the branch model-review (default: false)"
    comment.add_argument("--figures", choices=("true", "false"), default="false", help=figures)

    figure = verbs.add_parser("figure", help="draw the comment action's output `figure` as PULL.png")
    figure.add_argument("--figure", required=True, metavar="JSON", help="names of metrics and numbers")
    figure.add_argument("--out", required=True, type=Path, metavar="DIR", help="where the picture is written")

    ledger = verbs.add_parser("ledger", help="count looks at an evaluation set, or record one")
    ledger.add_argument("action", choices=("show", "append"), help="show prints the look's number; append records it")
    ledger.add_argument("--ledger", required=True, type=Path, metavar="FILE", help="the ledger (JSON lines)")
    ledger.add_argument("--comparison", type=Path, metavar="FILE", help="take the look from this comparison.json")
    ledger.add_argument("--look", metavar="JSON", help="the look itself, as one JSON object")
    ledger.add_argument("--time", metavar="UTC", help="when, as 2026-01-31T12:00:00Z (default: now)")
    _add_action_verbs(verbs)
    add_service_verbs(verbs)
    _add_release_records(verbs)
    return parser


def _add_action_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """What the reusable actions call, in this order; each works on a laptop as well."""
    key = verbs.add_parser("key", help="print a commit's content key: the hash of what determines a run")
    key.add_argument("--commit", default="HEAD", metavar="REV", help="a commit, or base: main's side (default: HEAD)")
    base = verbs.add_parser("base", help="find main's side of the checked-out merge commit, and what of it judges")
    base.add_argument("--out", required=True, type=Path, metavar="DIR", help="where champion.json and base/ go")
    base.add_argument("--deployed", metavar="COMMIT", help="on main: compare with this commit, or none (first release)")
    base.add_argument("--retrain", action="store_true", help="train even where nothing relevant changed")
    champion = verbs.add_parser("champion", help="train main's model unless a saved run is given, and score it")
    champion.add_argument("--cached", required=True, type=Path, metavar="DIR", help="where a saved run of main may be")
    champion.add_argument("--train", metavar="COMMAND", help="how main trains, where not by `uv run train`")
    champion.add_argument("--evaluate", metavar="COMMAND", help="how main scores rows: takes --model, --rows, --out")
    review = verbs.add_parser("review", help="compare, judge and summarise, as champion.json says")
    review.add_argument("--guide", metavar="URL", help="where the report links to for what each number means")
    for verb in (champion, review):
        verb.add_argument("--work", required=True, type=Path, metavar="DIR", help="what `base` wrote to")
        verb.add_argument("--challenger", required=True, type=Path, metavar="DIR", help="the pull request's run")
    labels = verbs.add_parser("labels", help="print the labels of the image that serves a run's model")
    labels.add_argument("--run", required=True, type=Path, metavar="DIR", help="the run directory")
    for verb in (key, base, champion, review, labels):
        verb.add_argument("--repo", type=Path, default=Path(), metavar="DIR", help="the project (default: here)")
    _probes(review)
    check = verbs.add_parser("check", help="check a run directory against the contract")
    check.add_argument("--run", required=True, type=Path, metavar="DIR", help="the run directory")
    check.add_argument("--contract", required=True, type=Path, metavar="FILE", help="the data contract")


def _probes(parser: argparse.ArgumentParser) -> None:
    for side in ("champion", "challenger"):
        about = f"the {side}'s probe.json: what serving it costs"
        parser.add_argument(f"--{side}-probe", type=Path, metavar="FILE", help=about)


def _add_release_records(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """What is written and checked beside a released image."""
    about = "write the model card and the technical documentation of a run"
    epilog = "model-card.yaml (what a person says) and model-review.toml are read from --repo where they are there."
    card = verbs.add_parser("card", help=about, epilog=epilog)
    card.add_argument("--run", required=True, type=Path, metavar="DIR", help="the run directory")
    card.add_argument("--comparison", type=Path, metavar="FILE", help="comparison.json with this run as challenger")
    card.add_argument("--verdict", type=Path, metavar="FILE", help="verdict.json over that comparison")
    card.add_argument("--probe", type=Path, metavar="FILE", help="probe.json of the image")
    card.add_argument("--image", metavar="REF@DIGEST", help="the image that holds the model")
    card.add_argument("--date", metavar="DAY", help="as 2026-01-31 (default: SOURCE_DATE_EPOCH, else today in UTC)")
    card.add_argument("--repo", type=Path, default=Path(), metavar="DIR", help="the project (default: here)")
    card.add_argument("--out", required=True, type=Path, metavar="DIR", help="where the two files are written")
    about = "check what an attestation says, before `gh attestation verify` checks who signed it"
    verify = verbs.add_parser("verify-attestation", help=about)
    verify.add_argument("--bundle", required=True, type=Path, metavar="FILE", help="Sigstore bundle, or one per line")
    verify.add_argument("--image", required=True, metavar="REF@DIGEST", help="the image that it must be about")
    verify.add_argument("--type", metavar="URI", help="the predicate type that one must have")
    verify.add_argument("--predicate", type=Path, metavar="FILE", help="the JSON that it must attest")


def _judging(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--guide", metavar="URL", help="where the report links to for what each number means")
    parser.add_argument("--ledger", type=Path, metavar="FILE", help="count earlier looks from this ledger")
    parser.add_argument("--proposed-policy", type=Path, metavar="FILE", help="the pull request's policy: reported only")
    parser.add_argument(
        "--fail-on",
        action="append",
        choices=VERDICTS,
        metavar="VERDICT",
        help="exit with 1 on this verdict (repeatable)",
    )
