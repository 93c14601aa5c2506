"""TECHNICAL_DOCUMENTATION.md: Annex IV of Regulation (EU) 2024/1689, point by point."""

from model_review.card import evidence, facts
from model_review.card.document import Section, body, head
from model_review.card.sources import Sources
from model_review.report.escape import code, text
from model_review.report.tables import join

NOTE = (
    "The points are those of Annex IV of Regulation (EU) 2024/1689 (the AI Act), shortened; the Regulation's own text "
    "counts. Whether it applies to this system, and from which day, is for a person to find out: the dates were "
    "under change in 2026."
)


def technical_documentation(sources: Sources) -> str:
    """The whole file."""
    sections = [*_general(sources), *_development(sources), *_rest(sources)]
    title = head(f"Technical documentation: {text(sources.name)}", sections, sources)
    return join(title, NOTE, body(sections, sources)) + "\n"


def _general(sources: Sources) -> list[Section]:
    return [
        Section(
            "1 (a) Purpose, provider, version",
            "its intended purpose, the provider's name, and its version in relation to those before",
            (facts.version(sources), facts.kind(sources)),
            ("use.intended_uses", "system.provider"),
        ),
        Section(
            "1 (b) Interaction with other systems",
            "hardware, software and other AI systems that are no part of it",
            owed=("system.interactions",),
        ),
        Section(
            "1 (c) Software versions",
            "versions of software or firmware, and what updates they need",
            (facts.software(sources),),
            ("system.update_requirements",),
        ),
        Section(
            "1 (d) Forms of release",
            "every form in which it is placed on the market or put into service",
            (facts.forms(sources),),
            ("system.forms",),
        ),
        Section(
            "1 (e) Hardware",
            "the hardware on which it is meant to run",
            owed=("system.hardware",),
        ),
        Section(
            "1 (f) Product images",
            "where it is part of a product: external features, marking, internal layout",
            owed=("system.product_images",),
        ),
        Section("1 (g) User interface", "the interface provided to the deployer", owed=("system.user_interface",)),
        Section("1 (h) Instructions for use", "for the deployer", owed=("system.instructions",)),
    ]


def _development(sources: Sources) -> list[Section]:
    return [
        Section(
            "2 (a) Methods and steps of development",
            "including pre-trained systems and third-party tools, and how they were used",
            (facts.kind(sources), facts.software(sources)),
            ("development.methods",),
        ),
        Section(
            "2 (b) Design specifications",
            "general logic, design choices and assumptions, what it optimises for, expected output, trade-offs",
            (facts.kind(sources), facts.parameters(sources), facts.reasons(sources)),
            ("development.design_choices",),
        ),
        Section(
            "2 (c) Architecture and computational resources",
            "how components build on each other, and what developing, training, testing and validating took",
            (facts.compute(sources), facts.service(sources)),
            ("development.architecture",),
        ),
        Section(
            "2 (d) Data",
            "training data sets, their provenance, scope and main characteristics; selection, labelling, cleaning",
            (evidence.evaluation_data(sources), evidence.training_data(sources)),
            ("data.provenance", "data.selection", "data.labelling", "data.cleaning"),
        ),
        Section(
            "2 (e) Human oversight, assessed",
            "the measures needed under Article 14, and those that help to interpret its output",
            (facts.importances(sources),),
            ("oversight.assessment",),
        ),
        Section(
            "2 (f) Pre-determined changes",
            "changes to the system and its performance decided beforehand, and how it stays within the requirements",
            (facts.rules(sources),),
            ("development.predetermined_changes",),
        ),
        Section(
            "2 (g) Validation and testing",
            "procedures, data, metrics of accuracy and robustness, discriminatory impacts; reports dated and signed",
            (
                f"Dated {sources.date}. The test reports are the files named at the top, by digest.",
                evidence.verdict(sources),
                evidence.metrics(sources),
                facts.uncertainty(sources),
                evidence.baselines(sources),
                evidence.groups(sources),
                evidence.robustness(sources),
                facts.service(sources),
            ),
            ("development.signatures",),
        ),
        Section(
            "2 (h) Cybersecurity",
            "the measures put in place",
            (facts.forms(sources), f"- lock file {code(sources.record.environment.lock_digest or 'none')}"),
            ("development.cybersecurity",),
        ),
    ]


def _rest(sources: Sources) -> list[Section]:
    return [
        Section(
            "3 Monitoring, functioning and control",
            "capabilities and limits, accuracy for groups of persons, foreseeable outcomes and risks, oversight, input",
            (evidence.inputs(sources), facts.roles(sources), evidence.groups(sources), facts.warnings(sources)),
            ("compliance.limitations", "ethics.risks", "oversight.measures"),
        ),
        Section(
            "4 Appropriateness of the metrics",
            "for this system",
            (facts.reasons(sources),),
            ("metrics.appropriateness",),
        ),
        Section("5 Risk management", "the system of Article 9", owed=("compliance.risk_management",)),
        Section(
            "6 Changes over the lifecycle",
            "relevant changes made by the provider",
            (facts.changes(sources),),
            ("compliance.changes",),
        ),
        Section("7 Standards", "harmonised standards applied, or other solutions", owed=("compliance.standards",)),
        Section("8 Declaration of conformity", "a copy (Article 47)", owed=("compliance.declaration",)),
        Section(
            "9 Post-market monitoring",
            "the system and the plan of Article 72",
            owed=("compliance.post_market_plan",),
        ),
    ]
