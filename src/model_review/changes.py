"""What is not the same on both sides: parameters, environment, features, cost."""

import json
from typing import Any

from model_review.comparison_basics import Side
from model_review.comparison_details import Change, Changes, CostRow
from model_review.contract import Contract, role_changes
from model_review.files import MOST
from model_review.policy import COSTS
from model_review.run_record import RunRecord
from model_review.text import plain


def side(record: RunRecord, key: str) -> Side:
    """What one side is."""
    estimator = record.params.get("estimator")
    return Side(
        key=key,
        commit=_text(record.commit),
        dirty=record.dirty,
        estimator=None if estimator is None else plain(estimator),
        features=[plain(name) for name in record.features],
        data_digest=_text(record.data.digest),
        contract_digest=_text(record.contract_digest),
        model_digest=_text(record.model.digest),
        model_format=_text(record.model.format),
        lock_digest=_text(record.environment.lock_digest),
        python=_text(record.environment.python),
        platform=_text(record.environment.platform),
        seed=record.seed,
        threshold=record.threshold,
        tracking=_text(record.tracking.run_id) if record.tracking else None,
        warnings=[plain(one, 500) for one in record.warnings],
    )


def _text(value: str | None) -> str | None:
    return None if value is None else plain(value)


def changes(
    champion: RunRecord | None, challenger: RunRecord, judged_by: Contract | None, proposed: Contract | None
) -> Changes:
    """What the pull request changed."""
    roles = role_changes(judged_by, proposed) if judged_by is not None and proposed is not None else []
    if champion is None:
        return Changes(
            params=[],
            environment=[],
            features_added=[],
            features_removed=[],
            roles=roles,
            kinds=None,
            lock=None,
            data=None,
            code=None,
            model=None,
        )
    before, after = champion.environment, challenger.environment
    places = {"python": before.python, "platform": before.platform, **before.libraries}
    news = {"python": after.python, "platform": after.platform, **after.libraries}
    extra = (
        {"seed": champion.seed, "threads": champion.threads},
        {"seed": challenger.seed, "threads": challenger.threads},
    )
    dirty = champion.dirty or challenger.dirty
    return Changes(
        params=_differences({**champion.params, **extra[0]}, {**challenger.params, **extra[1]}),
        environment=_differences(places, news),
        features_added=[plain(name) for name in challenger.features if name not in champion.features],
        features_removed=[plain(name) for name in champion.features if name not in challenger.features],
        roles=roles,
        kinds=None,
        lock=_differs(before.lock_digest, after.lock_digest),
        data=_differs(champion.data.digest, challenger.data.digest),
        code=False if champion.commit and champion.commit == challenger.commit and not dirty else None,
        model=_differs(champion.model.digest, challenger.model.digest),
    )


def _differs(before: str | None, after: str | None) -> bool | None:
    return None if before is None or after is None else before != after


def _differences(before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    found = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if type(old) is not type(new) or old != new:
            found.append(Change(name=plain(name), champion=_shown(old), challenger=_shown(new)))
    return found


def _shown(value: Any) -> str | None:
    if value is None:
        return None
    return plain(value if isinstance(value, str) else json.dumps(value))


def cost_rows(champion: RunRecord | None, challenger: RunRecord) -> list[CostRow]:
    """Seconds, bytes and their ratios."""
    rows = []
    for name in COSTS:
        old = None if champion is None else _cost(champion, name)
        new = _cost(challenger, name)
        if old is not None or new is not None:
            ratio = new / old if old and new is not None else None
            shown = ratio if ratio is not None and ratio <= MOST else None
            rows.append(CostRow(name=name, champion=old, challenger=new, ratio=shown))
    return rows


def _cost(record: RunRecord, name: str) -> float | None:
    if name == "model_bytes":
        return None if record.model.bytes is None else float(record.model.bytes)
    found: float | None = getattr(record.cost, name)
    return found
