"""The verbs of the command line: read, call, write. What they print is one line."""

import argparse
import re
from pathlib import Path

from model_review.compare import compare
from model_review.comparison import Comparison
from model_review.comparison_details import Check
from model_review.comparison_reader import COMPARISON_CAP, parse_comparison
from model_review.contract import Contract, read_contract
from model_review.errors import ReviewError
from model_review.files import digest, read_bytes, read_json, to_json, write_text
from model_review.judge import judge
from model_review.ledger import look_number, read_ledger
from model_review.looks import look_of
from model_review.policy_reader import read_policy
from model_review.probe.cost import probe_costs
from model_review.probe.record import read_probe
from model_review.report.html import html_report
from model_review.report.markdown import GUIDE, markdown_report
from model_review.runs import Run, read_run, share_rows
from model_review.settings import Rules
from model_review.text import plain
from model_review.verdict import Verdict

ADDRESS = re.compile(r"[A-Za-z0-9:/._#@%-]{1,500}")


def run_compare(arguments: argparse.Namespace) -> int:
    """`model-review compare`."""
    champion = None if arguments.champion == "none" else read_run(Path(arguments.champion))
    challenger = read_run(arguments.challenger)
    champion = None if champion is None else share_rows(champion, challenger)
    contract = _contract(arguments.contract, champion)
    policy = read_policy(arguments.policy, challenger.record.task, challenger.record.target, contract)
    reseeded = None if arguments.reseeded is None else read_run(arguments.reseeded)
    comparison = compare(champion, challenger, Rules(policy, contract), reseeded)
    if champion is not None and arguments.changed is not None:
        # Only git tells the parameters' file from the code; a run knows its commit alone.
        known = {"kinds": arguments.changed, "code": "code" in arguments.changed}
        comparison = comparison.model_copy(update={"changes": comparison.changes.model_copy(update=known)})
    if champion is None and arguments.because is not None:
        # A champion that exists and could not be scored is no first run: a person decides.
        fault = Check(name="rows", status="not comparable", detail=plain(arguments.because, 1000))
        comparison = comparison.model_copy(update={"checks": [*comparison.checks, fault]})
    if arguments.warn:
        told = [plain(warning, 1000) for warning in arguments.warn]
        comparison = comparison.model_copy(update={"warnings": [*told, *comparison.warnings]})
    count = _count(arguments.ledger, comparison)
    settings = comparison.settings.model_copy(update={"look": count or 1})
    comparison = comparison.model_copy(update={"settings": settings})
    comparison = _with_probes(comparison, arguments.champion_probe, arguments.challenger_probe)
    verdict = judge(comparison, policy, look=count, proposed_digest=_proposed(arguments))
    write_text(arguments.out / "comparison.json", to_json(comparison.to_json()))
    return _finish(comparison, verdict, arguments)


def run_judge(arguments: argparse.Namespace) -> int:
    """`model-review judge`."""
    data = read_json(arguments.comparison, COMPARISON_CAP)
    comparison = parse_comparison(plain(arguments.comparison), data)
    contract = None if arguments.contract is None else read_contract(arguments.contract)
    if contract is None and comparison.settings.contract_digest is not None:
        raise ReviewError("The comparison was made under a contract; name that file with --contract.")
    if contract is not None and contract.digest != comparison.settings.contract_digest:
        raise ReviewError(
            f"The comparison was not made under the contract {plain(arguments.contract)}; compare again with it."
        )
    policy = read_policy(arguments.policy, comparison.task, comparison.target, contract)
    verdict = judge(comparison, policy, look=_count(arguments.ledger, comparison), proposed_digest=_proposed(arguments))
    return _finish(comparison, verdict, arguments)


def _with_probes(comparison: Comparison, champion: Path | None, challenger: Path | None) -> Comparison:
    """The comparison with what both services cost."""
    before, after = (None if path is None else read_probe(path) for path in (champion, challenger))
    return comparison.model_copy(update={"cost": [*comparison.cost, *probe_costs(before, after)]})


def _contract(given: Path | None, champion: Run | None) -> Contract | None:
    if given is not None:
        return read_contract(given)
    return None if champion is None else champion.contract


def _proposed(arguments: argparse.Namespace) -> str | None:
    return None if arguments.proposed_policy is None else digest(read_bytes(arguments.proposed_policy))


def _count(ledger: Path | None, comparison: Comparison) -> int | None:
    """This look's number by the ledger; None without one."""
    if ledger is None:
        return None
    look = look_of(comparison, "1970-01-01T00:00:00Z")
    return 1 if look is None else look_number(read_ledger(ledger), look)


def _finish(comparison: Comparison, verdict: Verdict, arguments: argparse.Namespace) -> int:
    out, guide = arguments.out, arguments.guide or GUIDE
    if not ADDRESS.fullmatch(guide):
        raise ReviewError(f"--guide {plain(guide)} is not an address; give a path or an https URL without blanks.")
    if arguments.fail_on is not None:
        verdict = verdict.model_copy(update={"fails": verdict.verdict in arguments.fail_on})
    if out is not None:
        write_text(out / "verdict.json", to_json(verdict.to_json()))
        write_text(out / "report.md", markdown_report(comparison, verdict, guide))
        write_text(out / "report.html", html_report(comparison, verdict))
    print(f"{verdict.verdict}: {verdict.reason}")
    return 1 if verdict.fails else 0
