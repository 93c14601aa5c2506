"""The arguments of the verbs that ask, release and roll back a service."""

import argparse
from pathlib import Path

CREDENTIALS = "MODEL_REVIEW_REGISTRY_USERNAME and MODEL_REVIEW_REGISTRY_PASSWORD are read where the registry asks."


def add_service_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verbs."""
    _add_probe(verbs)
    _add_push(verbs)
    _add_documents(verbs)
    about = "put a probed image into production: tags, promotion log, MLflow's alias; again does no harm"
    promote = verbs.add_parser("promote", help=about, epilog=CREDENTIALS)
    promote.add_argument("--image", required=True, metavar="REF@DIGEST", help="the image, as it was pushed")
    promote.add_argument("--probe", required=True, type=Path, metavar="FILE", help="probe.json of that very digest")
    promote.add_argument("--verdict", type=Path, metavar="FILE", help="verdict.json, for the log")
    promote.add_argument("--after", metavar="DIGEST", help="refuse unless this (or none) is in production still")
    about = "put an image that was in production before back into it"
    rollback = verbs.add_parser("rollback", help=about, epilog=CREDENTIALS)
    rollback.add_argument("--to", default="previous", metavar="DIGEST", help="which one (default: previous)")
    rollback.add_argument("--probe", type=Path, metavar="FILE", help="its probe.json, where the log does not know it")
    _named(rollback)
    promote.add_argument("--repo", type=Path, default=Path(), metavar="DIR", help="the project (default: here)")
    for verb in (promote, rollback):
        verb.add_argument("--log", required=True, type=Path, metavar="FILE", help="the promotion log (JSON lines)")
    record = verbs.add_parser("record", help="add a promotion that was made elsewhere to a log", epilog=CREDENTIALS)
    record.add_argument("--line", required=True, type=Path, metavar="FILE", help="the promotion, one JSON object")
    record.add_argument("--log", required=True, type=Path, metavar="FILE", help="the promotion log (JSON lines)")


def _add_push(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    push = verbs.add_parser(
        "push", help="push an image that lies in a folder, tagged with its commit", epilog=CREDENTIALS
    )
    push.add_argument(
        "--folder", required=True, type=Path, metavar="DIR", help="as `skopeo copy ... dir:DIR` writes it"
    )
    deployed = verbs.add_parser("deployed", help="say what the tag `production` names", epilog=CREDENTIALS)
    deployed.add_argument("--out", type=Path, metavar="DIR", help="where what GitHub keeps of it goes, in a workflow")
    about = "with --out: what the run of this commit's pull request claimed, too"
    deployed.add_argument("--claims", action="store_true", help=about)
    found = verbs.add_parser("find", help="find the image that a rollback leads to", epilog=CREDENTIALS)
    found.add_argument("--to", default="previous", metavar="DIGEST", help="which one (default: previous)")
    found.add_argument("--out", required=True, type=Path, metavar="DIR", help="holds, or gets, the promotion log")
    for verb in (push, deployed, found):
        _named(verb)


def _named(verb: argparse.ArgumentParser) -> None:
    about = "the image's name, without tag and digest (default: [tool.model-review] image in pyproject.toml)"
    verb.add_argument("--image", metavar="REF", help=about)
    verb.add_argument("--repo", type=Path, default=Path(), metavar="DIR", help="the project (default: here)")


def _add_documents(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    reproduced = verbs.add_parser("reproduced", help="say whether numbers that were seen before came out again")
    reproduced.add_argument("--run", required=True, type=Path, metavar="DIR", help="the run directory")
    reproduced.add_argument("--deployed", required=True, type=Path, metavar="DIR", help="what `deployed` wrote to")
    reproduced.add_argument("--saved", required=True, type=Path, metavar="DIR", help="where main's saved run may be")
    sbom = verbs.add_parser("sbom", help="list an image's Python and Debian packages as CycloneDX")
    sbom.add_argument("--folder", required=True, type=Path, metavar="DIR", help="the image, as for push")
    sbom.add_argument("--requirements", required=True, type=Path, metavar="FILE", help="what it was installed from")
    sbom.add_argument("--out", required=True, type=Path, metavar="FILE", help="the list")
    note = verbs.add_parser("release-note", help="write the GitHub Release of a promotion", epilog=CREDENTIALS)
    note.add_argument("--line", required=True, type=Path, metavar="FILE", help="the promotion, one JSON object")
    note.add_argument("--card", type=Path, metavar="FILE", help="the model card")
    note.add_argument("--report", type=Path, metavar="FILE", help="report.md")


def _add_probe(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    about = "ask a running service whether it is ready, right, strict and fast"
    probe = verbs.add_parser("probe", help=about, epilog="MODEL_REVIEW_SERVICE_TOKEN holds its bearer token, if any.")
    probe.add_argument("--url", required=True, metavar="URL", help="where the service answers")
    probe.add_argument("--run", type=Path, metavar="DIR", help="the run directory whose model it serves")
    probe.add_argument("--expect", type=Path, metavar="FILE", help="without a run: an earlier probe.json of this model")
    probe.add_argument("--contract", type=Path, metavar="FILE", help="with --expect: the contract of that model")
    probe.add_argument("--out", required=True, type=Path, metavar="FILE", help="probe.json, written in any case")
    probe.add_argument("--wait", type=float, default=60.0, metavar="S", help="seconds until ready (default: 60)")
    probe.add_argument("--seconds", type=float, default=2.0, metavar="S", help="for each kind of load (default: 2)")
    probe.add_argument("--start", metavar="COMMAND", help="start the service with this, and stop it in the end")
    probe.add_argument("--pid", type=int, metavar="N", help="measure the memory of this process and its children")
    probe.add_argument("--container", metavar="NAME", help="measure the memory of this docker or podman container")
    probe.add_argument("--image", metavar="REF", help="note the size of this docker or podman image")
    probe.add_argument("--digest", metavar="SHA256", help="note that the image with this digest is what runs")
