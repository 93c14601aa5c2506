"""What both files say of the model, its making and its rules, in generated lists."""

from urllib.parse import urlsplit

from model_review.card.evidence import capped, listed
from model_review.card.sources import Sources
from model_review.comparison_basics import Side
from model_review.report.escape import code, text
from model_review.report.tables import join
from model_review.wording import level, number

NO_POLICY = "No policy (`model-review.toml`) was found, so no rule is stated."


def version(sources: Sources) -> str:
    """Which model this is, and which it follows."""
    record = sources.record
    dirty = " with uncommitted changes" if record.dirty else ""
    lines = [f"- commit {code(record.commit or 'not recorded')}{dirty}", forms(sources)]
    if record.tracking is not None:
        lines.append(f"- experiment run {code(record.tracking.run_id or 'n/a')} {_place(record.tracking.uri or '')}")
    lines.append(_earlier(sources))
    return "\n".join(lines)


def _place(uri: str) -> str:
    """Where the tracker is, without a login that its address may hold and without a path of somebody's machine."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname if parts.scheme in ("http", "https") else None
    except ValueError:
        host = None
    return "in a store on the machine that trained" if host is None else f"at {code(host)}"


def forms(sources: Sources) -> str:
    """The files that hold the model, by digest."""
    model = sources.record.model
    size = "size not recorded" if model.bytes is None else f"{model.bytes:,} bytes"
    lines = [f"- model file {code(model.digest or 'no digest')}, format {code(model.format or 'n/a')}, {size}"]
    if sources.image is not None:
        lines.append(f"- container image {code(sources.image, 700)}")
    return "\n".join(lines)


def _earlier(sources: Sources) -> str:
    if sources.comparison is None:
        return "- version before: not stated, no comparison was given"
    before: Side | None = sources.comparison.champion
    if before is None:
        return "- version before: none was compared with"
    return f"- version before: commit {code(before.commit or 'n/a')}, model file {code(before.model_digest or 'n/a')}"


def kind(sources: Sources) -> str:
    """What it predicts, and how."""
    record = sources.record
    lines = [f"- predicts {code(record.target)}: {record.task}"]
    if record.classes:
        positive = f", positive class {code(record.positive_class)}" if record.positive_class is not None else ""
        lines.append(f"- classes {listed(record.classes, 50)}{positive}")
    if record.threshold is not None:
        lines.append(
            f"- answers {code(record.positive_class)} where the probability is at least {number(record.threshold)}"
        )
    lines.append(f"- estimator {code(record.params.get('estimator', 'not recorded'))}, seed {code(record.seed)}")
    return "\n".join(lines)


def parameters(sources: Sources) -> str:
    """Every parameter of training."""
    return capped(["parameter", "value"], [[code(name), code(value)] for name, value in sources.record.params.items()])


def software(sources: Sources) -> str:
    """Versions."""
    found = sources.record.environment
    lines = [
        f"- Python {code(found.python or 'n/a')} on {code(found.platform or 'n/a')}",
        f"- lock file {code(found.lock_digest or 'none')}",
    ]
    lines += [f"- {code(name)} {code(release)}" for name, release in list(found.libraries.items())[:100]]
    return "\n".join(lines)


def compute(sources: Sources) -> str:
    """What making it took."""
    cost, threads = sources.record.cost, sources.record.threads
    lines = [
        f"- training {number(cost.train_seconds)} s, evaluation {number(cost.evaluate_seconds)} s",
        "- peak memory "
        + ("not recorded" if cost.peak_memory_bytes is None else f"{cost.peak_memory_bytes:,.0f} bytes"),
        f"- threads {code(threads)}, on {code(sources.record.environment.platform or 'n/a')}",
    ]
    return "\n".join(lines)


def service(sources: Sources) -> str:
    """What a probe of the running image found."""
    found = sources.probe
    if found is None:
        return ""
    memory = "not measured" if found.memory is None else f"{found.memory.bytes:,} bytes ({found.memory.method})"
    size = found.image.bytes if found.image is not None else None
    lines = [
        f"- probed {found.time}: {'passed' if found.passed else '**failed**'}",
        *(f"- {text(failure)}" for failure in found.failures[:20]),
        f"- memory under load {memory}, image " + ("size not measured" if size is None else f"{size:,} bytes"),
        f"- ready {number(found.cold_start_seconds)} s after its start",
    ]
    if (golden := found.golden) is not None:
        lines.append(
            f"- {golden.rows:,} known rows: {golden.different_labels:,} labels differ, numbers by at most "
            f"{golden.largest_difference:.3g} (allowed: {golden.tolerance:g})"
        )
    header = ["load: rows per request", "clients", "p50 ms", "p95 ms", "p99 ms", "requests per second", "errors"]
    rows = [
        [f"{one.rows:,}", f"{one.clients:,}", *map(number, (one.p50_ms, one.p95_ms, one.p99_ms)),
         number(one.requests_per_second), f"{one.errors:,}"]
        for one in found.load
    ]  # fmt: skip
    return join("\n".join(lines), capped(header, rows))


def roles(sources: Sources) -> str:
    """Columns by which people or circumstances differ."""
    contract = sources.contract
    if contract is None:
        return "The run holds no contract, so the roles of its columns are not known."
    used = [name for name in contract.having("sensitive") if name in sources.record.features]
    return "\n".join(
        [
            f"- results are shown for each value of {listed(contract.having('slice'))}",
            f"- fairness is measured over {listed(contract.having('sensitive'))}; the model uses {listed(used)}",
            f"- kept from the model by decision: {listed(contract.having('forbidden'))}",
        ]
    )


def reasons(sources: Sources) -> str:
    """Why each metric of the policy is looked at."""
    policy = sources.policy
    if policy is None:
        return NO_POLICY
    lines = [f"- objective {code(policy.objective.metric)}: {_why(policy.objective.why)}"]
    lines += [f"- guardrail {code(one.metric)}: {_why(one.why)}" for one in policy.guardrails]
    lines += [f"- floor on {code(one.metric)}: {_why(one.why)}" for one in policy.floors]
    named = (("slices", policy.slices), ("fairness", policy.fairness), ("robustness", policy.robustness))
    lines += [f"- {name}, {code(rule.metric)}: {_why(rule.why)}" for name, rule in named if rule is not None]
    return "\n".join(lines)


def _why(why: str) -> str:
    return text(why) if why else "the policy gives no reason"


def rules(sources: Sources) -> str:
    """The rules by which a changed model may take this one's place."""
    policy = sources.policy
    if policy is None:
        return NO_POLICY
    decision, effect = policy.decision, policy.objective.min_effect
    wanted = "its default amount" if effect is None else f"{effect:g}"
    lines = [
        f"- better: {code(policy.objective.metric)} by more than {wanted}, shown by a one-sided test at "
        f"{decision.alpha:g} shared over {decision.planned_looks} looks, on at least {decision.min_rows:,} rows",
    ]
    lines += [f"- no worse: {code(one.metric)} by at most {one.margin:g}" for one in policy.guardrails]
    for floor in policy.floors:
        limit = f"at least {floor.min:g}" if floor.min is not None else f"at most {floor.max:g}"
        lines.append(f"- always: {code(floor.metric)} {limit}")
    for name, rule in (("group of", policy.slices), ("gap between groups of", policy.fairness)):
        if rule is not None:
            lines.append(
                f"- no {name} {listed(rule.columns)} worse in {code(rule.metric)} by more than {rule.margin:g}"
            )
    if policy.robustness is not None:
        faulty = policy.robustness
        lines.append(f"- no loss of {code(faulty.metric)} above {faulty.margin:g} on {listed(faulty.scenarios)}")
    note = ""
    if sources.comparison is not None and sources.comparison.settings.policy_digest != policy.digest:
        judged = code(sources.comparison.settings.policy_digest)
        note = f"This model was judged under an earlier text of these rules, {judged}."
    return join(
        "A changed model takes this one's place by these rules alone, read from the base branch:",
        "\n".join(lines),
        note,
    )


def uncertainty(sources: Sources) -> str:
    """How sure the numbers are."""
    found = sources.comparison
    if found is None or found.champion is None:
        return "Variation: these are point estimates on one evaluation set; no comparison with intervals was given."
    methods = sorted({row.method for row in found.metrics})
    usual = level(1 - 2 * found.settings.bound_alpha)
    return (
        f"Variation: intervals are of the change from the model before, on the same rows, at {usual} unless "
        f"a table says otherwise, by {', '.join(text(method) for method in methods)}; "
        f"look {found.settings.look} of {found.settings.planned_looks} at this evaluation set."
    )


def changes(sources: Sources) -> str:
    """What this version changed."""
    found = sources.comparison
    if found is None or found.champion is None:
        return "No version before this one was compared."
    made = found.changes
    lines = []
    for name, moved in (("code", made.code), ("lock file", made.lock), ("data", made.data), ("model", made.model)):
        if moved is not None:
            lines.append(f"- {name}: {'changed' if moved else 'the same'}")
    if made.features_added or made.features_removed:
        lines.append(f"- features added: {listed(made.features_added)}; removed: {listed(made.features_removed)}")
    lines += [f"- role of a column: {text(role)}" for role in made.roles[:50]]
    for one in [*made.params, *made.environment][:100]:
        old, new = (("absent" if value is None else code(value)) for value in (one.champion, one.challenger))
        lines.append(f"- {code(one.name)}: {old} \u2192 {new}")
    return "\n".join(lines) or "Nothing that a run records."


def importances(sources: Sources) -> str:
    """What the model looks at."""
    ranked = sorted(sources.record.importances.items(), key=lambda item: (-item[1], item[0]))
    return capped(["column", "importance"], [[code(name), number(value)] for name, value in ranked])


def warnings(sources: Sources) -> str:
    """What the run and the comparison warn of."""
    found = list(sources.record.warnings)
    if sources.comparison is not None:
        found += [f"{one.name} has no value: {one.reason}" for one in sources.comparison.undefined]
        found += sources.comparison.warnings
    return "\n".join(f"- {text(one)}" for one in dict.fromkeys(found)) or "The run warns of nothing."
