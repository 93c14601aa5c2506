"""MODEL_CARD.md: the fields of Mitchell et al. (2019), under Hugging Face's metadata."""

from model_review.card import evidence, facts
from model_review.card.document import Section, body, head
from model_review.card.metadata import front_matter
from model_review.card.sources import Sources
from model_review.report.escape import text
from model_review.report.tables import join

SOURCE = "The sections are those of Mitchell et al., _Model Cards for Model Reporting_ (2019)."


def model_card(sources: Sources) -> str:
    """The whole file."""
    sections = _sections(sources)
    title = head(f"Model card: {text(sources.name)}", sections, sources)
    return join(front_matter(sources), title, SOURCE, body(sections, sources)) + "\n"


def _sections(sources: Sources) -> list[Section]:
    return [
        Section(
            "Model details",
            generated=(facts.version(sources), facts.kind(sources), facts.parameters(sources), facts.software(sources)),
            owed=_named("details", "description", "developers", "contact", "license", "citation"),
        ),
        Section(
            "Intended use",
            generated=(evidence.inputs(sources),),
            owed=_named("use", "intended_uses", "intended_users", "out_of_scope"),
        ),
        Section("Factors", generated=(facts.roles(sources),), owed=_named("factors", "relevant", "not_evaluated")),
        Section(
            "Metrics",
            generated=(facts.reasons(sources), facts.uncertainty(sources)),
            owed=("metrics.appropriateness",),
        ),
        Section("Evaluation data", generated=(evidence.evaluation_data(sources),), owed=("data.selection",)),
        Section(
            "Training data",
            generated=(evidence.training_data(sources),),
            owed=_named("data", "provenance", "labelling", "cleaning"),
        ),
        Section(
            "Quantitative analyses",
            generated=(
                evidence.verdict(sources),
                evidence.metrics(sources),
                evidence.baselines(sources),
                evidence.groups(sources),
                evidence.robustness(sources),
                evidence.calibration(sources),
                facts.service(sources),
            ),
        ),
        Section("Ethical considerations", owed=_named("ethics", "people", "risks", "mitigations")),
        Section(
            "Caveats and recommendations",
            generated=(facts.warnings(sources),),
            owed=("caveats.recommendations",),
        ),
    ]


def _named(section: str, *fields: str) -> tuple[str, ...]:
    return tuple(f"{section}.{field}" for field in fields)
