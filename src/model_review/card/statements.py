"""`model-card.yaml`: the statements that only a person can make, each asked for once."""

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from model_review.errors import ReviewError
from model_review.files import digest, read_bytes
from model_review.text import plain
from model_review.yaml_faults import FAULTS

FILE = "model-card.yaml"
SCHEMA = "model-review/model-card@1"
LONGEST = 20_000
MISSING = "**MISSING**"

# Section and field, and what is asked. The template's model-card.yaml holds the same fields, empty.
QUESTIONS: dict[str, str] = {
    "details.name": "the model's name",
    "details.description": "what the model is, in one or two sentences",
    "details.developers": "who made it",
    "details.contact": "where questions go",
    "details.license": "its licence, as Hugging Face spells it (apache-2.0, mit, other)",
    "details.citation": "how to cite it",
    "use.intended_uses": "what it is for",
    "use.intended_users": "who may use it",
    "use.out_of_scope": "what it must not be used for",
    "factors.relevant": "groups, instruments and circumstances that could change how well it works",
    "factors.not_evaluated": "which of these were not measured, and why",
    "metrics.appropriateness": "why these metrics fit this use",
    "data.provenance": "where the rows come from, who collected them, when and on what legal ground",
    "data.selection": "how rows were chosen, and whom they leave out",
    "data.labelling": "how the target's values came about",
    "data.cleaning": "what was cleaned or left out before the table was made",
    "ethics.people": "whom its answers affect, and what sensitive data it touches",
    "ethics.risks": "foreseeable harm and unintended outcomes, to health, safety, rights, or by discrimination",
    "ethics.mitigations": "what was done against them",
    "caveats.recommendations": "what else a user should know before relying on it",
    "system.provider": "name and address of the provider",
    "system.interactions": "the hardware, software and other AI systems that it works with",
    "system.update_requirements": "what has to be updated, when, and by whom",
    "system.forms": "every form in which it is handed over (API, download, part of a device)",
    "system.hardware": "the hardware that it is meant to run on",
    "system.product_images": "where it is part of a product: photographs, marking, layout; else write `not applicable`",
    "system.user_interface": "the interface that its deployer sees",
    "system.instructions": "instructions for use for the deployer",
    "development.methods": "how it was developed, with which third-party tools or pre-trained models",
    "development.design_choices": "the main design choices, why, what was assumed and which trade-offs were made",
    "development.architecture": "how its components fit together",
    "development.predetermined_changes": "which later changes are foreseen, and how they stay within the requirements",
    "development.signatures": "who is responsible for the tests, with date and signature",
    "development.cybersecurity": "measures against attacks on data, model and service",
    "oversight.assessment": "which human oversight is needed (Article 14), and how the assessment was made",
    "oversight.measures": "the measures in place, and how a deployer reads its answers",
    "compliance.limitations": "what it cannot do, and the level of accuracy that its purpose needs",
    "compliance.risk_management": "the risk management system (Article 9)",
    "compliance.changes": "changes made over its lifetime",
    "compliance.standards": "harmonised standards applied, or the solutions adopted instead",
    "compliance.declaration": "a copy of the EU declaration of conformity (Article 47)",
    "compliance.post_market_plan": "the post-market monitoring plan (Article 72)",
}


@dataclass(frozen=True)
class Statements:
    """What a person has written, by `section.field`; what is absent was not written."""

    written: dict[str, str]
    digest: str | None = None

    def missing(self, names: tuple[str, ...]) -> list[str]:
        """Those that nobody has written yet."""
        return [name for name in names if name not in self.written]

    def show(self, name: str) -> str:
        """The statement as a quotation, so that a person's words are told from generated ones; else what is owed."""
        if name not in self.written:
            return f"- {MISSING}: {QUESTIONS[name]} (`{name}`)"
        lines = [plain(line, LONGEST).rstrip() for line in self.written[name].splitlines()]
        return f"- {QUESTIONS[name]}:\n\n" + "\n".join(f"  > {line}".rstrip() for line in lines)


class _Strict(yaml.SafeLoader):
    """A loader that refuses a field written twice: one of the two would be lost without a word."""


def _mapping(loader: _Strict, node: yaml.MappingNode) -> dict[Any, Any]:
    names = [loader.construct_object(key) for key, _ in node.value]
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise yaml.MarkedYAMLError(problem=f"{plain(twice)} is written twice", problem_mark=node.start_mark)
    return loader.construct_mapping(node, deep=True)


_Strict.add_constructor("tag:yaml.org,2002:map", _mapping)


def read_statements(path: Path) -> Statements:
    """Read the file strictly; every refusal names the field."""
    where, data = plain(path), read_bytes(path)
    try:
        document = yaml.load(data, Loader=_Strict)
    except FAULTS as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        line = f" (line {mark.line + 1})" if mark is not None else ""
        why = f": {plain(problem)}" if problem else ""
        raise ReviewError(f"{where} is not valid YAML{line}{why}; write it again.") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise ReviewError(f"{where}: field schema must be {SCHEMA}; this engine reads no other version.")
    written: dict[str, str] = {}
    for section, fields in document.items():
        if section == "schema":
            continue
        if not isinstance(fields, dict | None):
            raise ReviewError(
                f"{where}: section {plain(section)} must hold fields, as in `{plain(section)}:` and below."
            )
        for field, value in (fields or {}).items():
            name = f"{section}.{field}"
            _check(where, name, value)
            if isinstance(value, str) and value.strip():
                written[name] = value.strip()
    return Statements(written, digest(data))


def _check(where: str, name: str, value: Any) -> None:
    if name not in QUESTIONS:
        near = difflib.get_close_matches(name, QUESTIONS, n=1)
        hint = f"did you mean {near[0]}?" if near else "docs/contract.md lists the fields."
        raise ReviewError(f"{where}: field {plain(name)} is not known; {hint}")
    if not isinstance(value, str | None):
        raise ReviewError(f"{where}: field {name} must be text; put it in quotes, or write it after a `|`.")
    if value is not None and len(value) > LONGEST:
        raise ReviewError(f"{where}: field {name} has {len(value):,} characters; at most {LONGEST:,} are read.")
