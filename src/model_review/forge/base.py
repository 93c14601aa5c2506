"""What judges: policy, contract and ledger as the base branch has them, read through the API."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from model_review.contract import Contract, read_contract
from model_review.errors import ReviewError
from model_review.forge.github import Client, file_at
from model_review.ledger import Look, read_ledger
from model_review.metrics.catalog import Task
from model_review.policy import Policy
from model_review.policy_reader import read_policy

SMALL = 2**20
LEDGER = "ledger.jsonl"
LEDGER_BRANCH = "model-review"
LEDGER_CAP = 16 * 2**20


@dataclass(frozen=True)
class Base:
    """The base's rules. A file that the base does not have is None; so is a ledger without its branch."""

    policy: Policy | None
    contract: Contract | None
    ledger: list[Look] | None


def read_base(client: Client, repository: str, sha: str, policy: str, contract: str, model: tuple[Task, str]) -> Base:
    """Policy and contract at the base's commit, for a model of that task and target; the ledger from its branch."""
    found = {
        policy: file_at(client, repository, policy, sha, SMALL),
        contract: file_at(client, repository, contract, sha, SMALL),
        LEDGER: file_at(client, repository, LEDGER, LEDGER_BRANCH, LEDGER_CAP),
    }
    # The engine reads files; these get names of our own in a folder of our own, which the refusals need not name.
    with tempfile.TemporaryDirectory() as folder:
        names = {name: Path(folder) / str(place) for place, name in enumerate(found)}
        for name, data in found.items():
            if data is not None:
                names[name].write_bytes(data)
        try:
            terms = None if found[contract] is None else read_contract(names[contract])
            rules = None if found[policy] is None else read_policy(names[policy], *model, terms)
            looks = None if found[LEDGER] is None else read_ledger(names[LEDGER])
        except ReviewError as error:
            said = str(error)
            for name, path in names.items():
                said = said.replace(str(path), f"{name} of the base branch")
            raise ReviewError(said) from None
    return Base(rules, terms, looks)
