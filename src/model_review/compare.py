"""Two runs in, one comparison out."""

from dataclasses import dataclass, replace

from model_review import __version__
from model_review.alignment import content_key, entity_codes, evaluation_digest, identical, match
from model_review.behaviour import calibration_pair, curves, flip_counts, moves
from model_review.changes import changes, cost_rows, side
from model_review.comparison import Comparison
from model_review.comparison_details import BaselineRow, Curves, Power
from model_review.comparison_groups import FairnessRow, Reversal, RobustnessRow, SliceRow, WeakSlice
from model_review.data_changes import data_part
from model_review.fairness import fairness_rows
from model_review.leaks import forbidden_checks, leak_check
from model_review.measure import Measured, all_metrics
from model_review.metrics.answers import Answers
from model_review.paired import REPLICATES, Design
from model_review.policy import Policy, min_effect
from model_review.predictions import TEST
from model_review.preflight import overlap_checks, preflight
from model_review.robustness import robustness_rows
from model_review.runs import Run
from model_review.settings import Rules, replicates, settings
from model_review.slices import reversals, slice_rows
from model_review.statistics.power import minimum_detectable_effect, rows_needed
from model_review.text import plain
from model_review.weak_slices import weak_slices


@dataclass(frozen=True)
class _Detail:
    """The parts that look below the whole."""

    slices: list[SliceRow]
    reversals: list[Reversal]
    weak: list[WeakSlice]
    fairness: list[FairnessRow]
    robustness: list[RobustnessRow]


def compare(champion: Run | None, challenger: Run, rules: Rules, reseeded: Run | None = None) -> Comparison:
    """Compare two runs; a champion of None is the first run. `reseeded` is the champion with another seed."""
    before_record = None if champion is None else champion.record
    after_record = challenger.record
    test = challenger.scenarios.get(TEST)
    digest = "none" if test is None else evaluation_digest(test)
    seed = _seed(digest)
    ready = preflight(champion, challenger, digest)
    before, after = ready.champion, ready.challenger
    data, changed, warnings = data_part(champion, challenger, seed)
    checks = ready.checks + changed + forbidden_checks(rules.contract, challenger)
    checks += overlap_checks(data.overlap, data.champion_overlap)
    if champion is not None and before is not None:
        checks.append(leak_check(champion, challenger, before))
    other = champion.scenarios.get(TEST) if champion is not None and before is not None else None
    design = Design(None if test is None else entity_codes(other, test), seed, replicates(rules.policy))
    same = before is not None and after is not None and identical(before, after)
    measured, metrics, undefined = (
        ([], [], []) if after is None else all_metrics(before, after, design, rules.policy, same)
    )
    objective = next((one for one in measured if one.metric.name == rules.policy.objective.metric), None)
    detail = _detail(champion, challenger, before, after, same, design, rules, measured)
    again = _answers_of(reseeded, champion)
    labelled = after is not None and after.task != "regression"
    return Comparison(
        engine=__version__,
        task=after_record.task,
        target=plain(after_record.target),
        classes=[plain(label) for label in after_record.classes],
        positive_class=None if after_record.positive_class is None else plain(after_record.positive_class),
        currency=plain(after_record.business_value.currency) if after_record.business_value else "",
        champion=None if before_record is None or champion is None else side(before_record, _key(champion)),
        challenger=side(after_record, _key(challenger)),
        identical=same,
        rows=ready.rows,
        settings=settings(rules, after_record.task, objective.champion if objective else None, seed),
        checks=checks,
        metrics=metrics,
        undefined=undefined,
        power=None if objective is None else _power(objective, rules.policy, before, after),
        flips=flip_counts(before, after, again) if before and after and labelled else None,
        moves=moves(before, after, again) if before and after and not labelled else None,
        slices=detail.slices,
        reversals=detail.reversals,
        weak_slices=detail.weak,
        fairness=detail.fairness,
        calibration=None if after is None else calibration_pair(before, after),
        robustness=detail.robustness,
        baselines=[
            BaselineRow(name=plain(name), metrics={plain(one): value for one, value in baseline.items()})
            for name, baseline in after_record.baselines.items()
        ],
        cost=cost_rows(before_record, after_record),
        changes=changes(before_record, after_record, rules.contract, challenger.contract),
        data=data,
        curves=Curves() if after is None else curves(before, after, before_record, after_record),
        warnings=warnings + _warnings(challenger, rules, design),
    )


def _seed(digest: str) -> int:
    """A seed that only the evaluation rows decide, so that it is the same for either order of the sides."""
    return int(digest.removeprefix("sha256:")[:8], 16) if digest != "none" else 0


def _key(run: Run) -> str:
    test = run.scenarios.get(TEST)
    return "none" if test is None else content_key(test, evaluation_digest(test))


def _answers_of(reseeded: Run | None, champion: Run | None) -> Answers | None:
    """The re-seeded champion's answers, where they are to the same rows."""
    if reseeded is None or champion is None or not reseeded.scenarios or not champion.scenarios:
        return None
    first, second = champion.scenarios[TEST], reseeded.scenarios[TEST]
    return second.answers if match(first, second).complete else None


def _detail(
    champion: Run | None,
    challenger: Run,
    before: Answers | None,
    after: Answers | None,
    same: bool,
    design: Design,
    rules: Rules,
    measured: list[Measured],
) -> _Detail:
    """Groups, fairness and scenarios; equal answers have nothing to tell in groups."""
    if champion is None or before is None or after is None:
        return _Detail([], [], [], [], [])
    closed = replace(design, replicates=REPLICATES)
    robustness = robustness_rows(champion.scenarios, challenger.scenarios, closed, rules.policy)
    groups = {**challenger.scenarios[TEST].groups, **champion.scenarios[TEST].groups}
    slices = slice_rows(groups, before, after, closed, rules.policy)
    sensitive = rules.contract.having("sensitive") if rules.contract else []
    fairness = fairness_rows(groups, sensitive, before, after, closed, rules.policy)
    weak = [] if same else weak_slices(before, after, challenger, design.entity)
    return _Detail(slices, reversals(slices, measured), weak, fairness, robustness)


def _power(objective: Measured, policy: Policy, before: Answers | None, after: Answers | None) -> Power:
    effect = min_effect(policy, objective.metric, objective.champion)
    alpha, estimate = policy.alpha_per_look, objective.estimate
    discordance = None
    if before is not None and after is not None and after.task != "regression":
        discordance = float(((before.predicted == before.truth) != (after.predicted == after.truth)).mean())
    return Power(
        metric=objective.metric.name,
        min_effect=effect,
        mde=minimum_detectable_effect(estimate.se, alpha, effect),
        effect=2 * effect,
        rows_needed=rows_needed(len(after) if after is not None else 0, estimate.se, alpha, effect),
        discordance=discordance,
    )


def _warnings(challenger: Run, rules: Rules, design: Design) -> list[str]:
    found = []
    contract = rules.contract
    if contract is None:
        found.append("No contract was given, so nothing was forbidden.")
    else:
        for name in challenger.record.features:
            column = contract.columns.get(name)
            if column is not None and column.suspected_leak is not None:
                found.append(f"{plain(name)} is used and marked as a suspected leak: {column.suspected_leak}.")
        if contract.having("entity") and challenger.scenarios and challenger.scenarios[TEST].entity is None:
            found.append(
                "The contract has an entity column and the predictions have none, so rows count as independent."
            )
    if design.entity is not None:
        found.append("Entities repeat, so every interval resamples entities and not rows.")
    return found
