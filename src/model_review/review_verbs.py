"""The verbs of the reusable actions that read runs. Each prints one line, and tells a GitHub step its outputs."""

import argparse
import shutil
import sys
from pathlib import Path

from model_review.base import CONTRACT, POLICY
from model_review.champion import LOG, Commands, Places, score_champion
from model_review.champion_record import NOT_COMPARABLE, RECORD, ChampionRecord, read_champion
from model_review.contract import read_contract
from model_review.errors import ReviewError
from model_review.files import read_json, read_text
from model_review.report.escape import text
from model_review.runs import read_run
from model_review.step_files import write_outputs, write_summary
from model_review.text import plain

LOG_CAP = 64 * 2**20
FILES = {
    "comparison": "comparison.json",
    "verdict-file": "verdict.json",
    "report": "report.md",
    "html": "model-review.html",  # its name is the artifact's name where it is not zipped
}


def run_champion(arguments: argparse.Namespace) -> int:
    """`model-review champion`."""
    record, scored = read_champion(arguments.work / RECORD), None
    if record.status == "found":
        # Main's code runs in another folder, so relative paths would mean another place there.
        given = (arguments.repo, arguments.challenger, arguments.work, arguments.cached)
        places = Places(*(path.resolve() for path in given))
        try:
            record, scored = score_champion(record, places, _commands(arguments))
        finally:
            _show_log(arguments.work / LOG)
        record.write(arguments.work / RECORD)
    write_outputs(
        {
            "status": record.status,
            "sentence": record.sentence,
            "run": "none" if scored is None else str(scored),
            "from-cache": str(record.from_cache).lower(),
        }
    )
    print(record.sentence)
    return 0


def _commands(arguments: argparse.Namespace) -> Commands | None:
    """Empty is not given: an action passes what its own input holds."""
    if bool(arguments.train) != bool(arguments.evaluate):
        raise ReviewError("Give both --train and --evaluate, or neither: they are two commands of one project.")
    return Commands(arguments.train, arguments.evaluate) if arguments.train else None


def run_check(arguments: argparse.Namespace) -> int:
    """`model-review check`."""
    run = read_run(arguments.run)
    if run.fault is not None:
        raise ReviewError(f"{plain(arguments.run)}: {run.fault}")
    contract = read_contract(arguments.contract)
    if run.record.contract_digest != contract.digest:
        raise ReviewError(
            f"{plain(arguments.run)}/run.json: field contract_digest is not the digest of {plain(arguments.contract)}; "
            "train again."
        )
    if [run.record.target] != contract.having("target"):
        raise ReviewError(
            f"{plain(arguments.run)}/run.json: target {plain(run.record.target)} is not the contract's; train again."
        )
    unknown = [name for name in run.record.features if name not in contract.columns]
    if unknown:
        raise ReviewError(
            f"{plain(arguments.run)}/run.json: feature {plain(unknown[0])} is no column of the contract; add it."
        )
    metrics = run.record.metrics
    rows = "".join(f"| {text(name)} | {value:.4g} |\n" for name, value in metrics.items())
    write_summary(f"### Trained model\n\n| metric | evaluation rows |\n|---|---|\n{rows}")
    count = run.record.data.evaluation_rows
    print(f"The run fits the contract: {len(run.record.features)} features, {count} evaluation rows.")
    return 0


def run_review(arguments: argparse.Namespace) -> int:
    """`model-review review`: compare as the champion's record says, then summarise."""
    record, review = read_champion(arguments.work / RECORD), arguments.work / "review"
    shutil.rmtree(review, ignore_errors=True)
    if record.status == "nothing-relevant-changed":
        write_summary(f"### {text(record.sentence)}\n{_notes(record)}")
        write_outputs({"verdict": "none", "reason": record.sentence, "fails": "false"} | dict.fromkeys(FILES, ""))
        print(record.sentence)
        return 0
    if record.status == "found":
        raise ReviewError("Main's model was not scored; run `model-review champion` before the review.")
    # The statistics' libraries take longer to load than `check` and `champion` take to work.
    from model_review.verbs import run_compare

    contract = arguments.work / "base" / CONTRACT
    code = run_compare(
        argparse.Namespace(
            champion=arguments.work / "champion" if record.status == "scored" else "none",
            because=record.sentence if record.status in NOT_COMPARABLE else None,
            challenger=arguments.challenger,
            policy=arguments.work / "base" / POLICY,
            contract=contract if contract.is_file() else None,
            proposed_policy=arguments.repo / POLICY if (arguments.repo / POLICY).is_file() else None,
            out=review,
            ledger=None,  # the trusted half counts the looks
            reseeded=None,
            warn=record.warnings,
            changed=record.changed or None,
            guide=arguments.guide,
            fail_on=None,
            champion_probe=_there(arguments.champion_probe),
            challenger_probe=_there(arguments.challenger_probe),
        )
    )
    (review / "report.html").replace(review / FILES["html"])
    verdict = read_json(review / "verdict.json")
    write_summary(read_text(review / "report.md"))
    told = {"verdict": verdict["verdict"], "reason": verdict["reason"], "fails": str(verdict["fails"]).lower()}
    write_outputs(told | {name: str(review / file) for name, file in FILES.items()})
    return code


def _notes(record: ChampionRecord) -> str:
    return "".join(f"\n> {text(warning)}\n" for warning in record.warnings)


def _there(probe: Path | None) -> Path | None:
    """A workflow names where a probe would be; an earlier release may have none."""
    return probe if probe is not None and probe.is_file() else None


def _show_log(log: Path) -> None:
    """What main's code printed. The prefix keeps its lines from being commands to the runner."""
    if log.is_file():
        for line in read_text(log, LOG_CAP).splitlines():
            print(f"main | {plain(line, 500)}", file=sys.stderr)
