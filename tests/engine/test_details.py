"""What stands below the verdict: other tasks, groups, fairness, scenarios, data, flips, money and the ledger."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from worlds import CONTRACT, POLICY, Review, World, record, write_run

from model_review.errors import ReviewError
from model_review.ledger import Look, append_look, look_number, read_ledger
from model_review.row_sketch import sketch
from model_review.sketch import shared_share

WORLD = World(seed=1)
BASE = WORLD.frame(WORLD.score(1.0, 1))
BETTER = WORLD.frame(WORLD.score(1.3, 2))


def regression(noise: float, seed: int, rows: int = 1500) -> pd.DataFrame:
    level = np.random.default_rng(0).gamma(4.0, 2.0, rows)
    rng = np.random.default_rng(seed)
    ids = [f"r{row:05d}" for row in range(rows)]
    return pd.DataFrame(
        {"row_id": ids, "scenario": "test", "y_true": level, "y_pred": level + noise * rng.normal(size=rows)}
    )


def multiclass(skill: float, seed: int, rows: int = 1500) -> pd.DataFrame:
    labels = np.array(["a", "b", "c"])
    truth = np.random.default_rng(0).choice(3, rows, p=[0.6, 0.3, 0.1])
    rng = np.random.default_rng(seed)
    score = np.exp(skill * np.eye(3)[truth] + rng.normal(size=(rows, 3)))
    score /= score.sum(axis=1, keepdims=True)
    frame = pd.DataFrame({"row_id": [f"r{row:05d}" for row in range(rows)], "scenario": "test"})
    frame["y_true"], frame["y_pred"] = labels[truth], labels[score.argmax(axis=1)]
    return frame.assign(**{f"score_{label}": score[:, code] for code, label in enumerate(labels)})


def policy(metric: str, extra: str = "") -> str:
    return f'schema = "model-review/policy@1"\n[objective]\nmetric = "{metric}"\n{extra}'


def objective(result: dict[str, Any]) -> dict[str, Any]:
    return dict(result["comparison"]["metrics"][0])


@pytest.mark.parametrize("metric", ["mae", "rmse", "r2", "median_ae", "pinball"])
def test_a_better_regression_is_promoted_by_every_metric(review: Review, tmp_path: Path, metric: str) -> None:
    kind = record(task="regression", classes=[], positive_class=None, threshold=None)
    before = write_run(tmp_path / "a", regression(1.0, 1), **kind)
    result = review(before, write_run(tmp_path / "b", regression(0.8, 2), **kind), policy(metric))
    assert result["verdict"]["verdict"] == "promote", result["verdict"]["reason"]
    assert objective(result)["name"] == metric
    assert result["comparison"]["moves"]["median"] > 0


@pytest.mark.parametrize("metric", ["log_loss", "roc_auc_macro", "accuracy", "balanced_accuracy", "f1_macro", "mcc"])
def test_a_better_multiclass_model_is_promoted_by_every_metric(review: Review, tmp_path: Path, metric: str) -> None:
    kind = record(task="multiclass", classes=["a", "b", "c"], positive_class=None, threshold=None)
    before = write_run(tmp_path / "a", multiclass(1.2, 1), **kind)
    result = review(before, write_run(tmp_path / "b", multiclass(2.0, 2), **kind), policy(metric))
    assert result["verdict"]["verdict"] == "promote", result["verdict"]["reason"]


def test_a_business_value_is_counted_in_money(review: Review, tmp_path: Path) -> None:
    money = {"currency": "EUR", "matrix": {"yes": {"yes": 100.0, "no": 0.0}, "no": {"yes": -20.0, "no": 0.0}}}
    before = write_run(tmp_path / "a", BASE, business_value=money)
    result = review(before, write_run(tmp_path / "b", BETTER, business_value=money), policy("business_value"))
    row = objective(result)
    value = pd.Series(100.0, index=BETTER.index).where(BETTER["y_true"] == "yes", -20.0)
    assert row["challenger"] == pytest.approx(value.where(BETTER["y_pred"] == "yes", 0.0).mean())
    assert row["low"] < row["delta"] < row["high"]


def test_a_value_per_row_is_taken_as_it_is(review: Review, tmp_path: Path) -> None:
    before = write_run(tmp_path / "a", BASE.assign(value=1.0))
    result = review(
        before, write_run(tmp_path / "b", BETTER.assign(value=np.arange(4000) % 5)), policy("business_value")
    )
    assert objective(result)["delta"] == pytest.approx(1.0)


def test_a_weak_slice_that_nobody_declared_is_found_and_confirmed(review: Review, tmp_path: Path) -> None:
    score = WORLD.score(1.3, 2)
    city = np.where(np.random.default_rng(8).random(WORLD.rows) < 0.15, "harbour", "inland")
    score[city == "harbour"] = np.random.default_rng(9).permutation(score[city == "harbour"])
    raw = pd.DataFrame({"row_id": BASE["row_id"], "city": city, "amount": np.arange(WORLD.rows).astype(str)})
    before = write_run(tmp_path / "a", BASE, raw)
    result = review(before, write_run(tmp_path / "b", WORLD.frame(score), raw))
    found = result["comparison"]["weak_slices"]
    assert found[0]["where"] == "city = harbour"
    assert all("harbour" in one["where"] for one in found)


def test_no_weak_slice_is_made_up_where_there_is_none(review: Review, tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    raw = pd.DataFrame({f"c{k}": rng.integers(0, 5, WORLD.rows).astype(str) for k in range(8)})
    raw["row_id"] = BASE["row_id"]
    before = write_run(tmp_path / "a", BASE, raw)
    equal = WORLD.frame(WORLD.score(1.0, 3))
    assert review(before, write_run(tmp_path / "b", equal, raw))["comparison"]["weak_slices"] == []


def test_a_growing_gap_between_groups_is_rejected(review: Review, tmp_path: Path) -> None:
    score = WORLD.score(1.6, 2)
    odd = np.arange(WORLD.rows) % 2 == 1
    score[odd] = WORLD.score(1.0, 1)[odd] * 0.6
    rule = POLICY + '[fairness]\nmetric = "recall"\nmargin = 0.05\ncolumns = ["sex"]\n'
    before = write_run(tmp_path / "a", BASE)
    result = review(before, write_run(tmp_path / "b", WORLD.frame(score)), rule)
    row = result["comparison"]["fairness"][0]
    assert row["column"] == "sex"
    assert row["low"] > 0.05
    assert result["verdict"]["verdict"] == "reject"
    fine = review(before, write_run(tmp_path / "c", BETTER), rule)
    assert fine["comparison"]["fairness"][0]["status"] != "worse"
    assert fine["verdict"]["verdict"] == "promote"


def test_two_sensitive_columns_are_looked_at_together_and_never_gated(review: Review, tmp_path: Path) -> None:
    contract = tmp_path / "contract.yaml"
    contract.write_text(CONTRACT.replace("feature, slice", "feature, slice, sensitive"))
    rule = POLICY + '[fairness]\nmetric = "recall"\nmargin = 0.05\ncolumns = ["sex"]\n'
    before, after = write_run(tmp_path / "a", BASE), write_run(tmp_path / "b", BETTER)
    rows = review(before, after, rule, "--contract", str(contract))["comparison"]["fairness"]
    assert [(row["column"], row["family"]) for row in rows] == [
        ("sex", "gated"),
        ("region", "explored"),
        ("sex & region", "explored"),
    ]
    assert len(rows[2]["groups"]) == 8
    assert sum(group["n"] for group in rows[2]["groups"]) == WORLD.rows


def with_noise(frame: pd.DataFrame, score: np.ndarray[Any, Any]) -> pd.DataFrame:
    return pd.concat([frame, WORLD.frame(score).assign(scenario="noise:0.5")])


def test_a_model_that_breaks_on_faulty_input_is_rejected(review: Review, tmp_path: Path) -> None:
    rule = POLICY + '[robustness]\nmargin = 0.05\nscenarios = ["noise:0.5"]\n'
    steady, broken = WORLD.score(0.95, 5), np.random.default_rng(1).random(WORLD.rows)
    before = write_run(tmp_path / "a", with_noise(BASE, steady))
    result = review(before, write_run(tmp_path / "b", with_noise(BETTER, broken)), rule)
    assert result["verdict"]["verdict"] == "reject"
    assert "noise:0.5" in result["verdict"]["reason"]
    missing = review(before, write_run(tmp_path / "c", BETTER), rule)
    assert missing["verdict"]["hold_reason"] == "a person must decide"


def test_another_seed_gives_churn_a_baseline(review: Review, tmp_path: Path) -> None:
    before, again = write_run(tmp_path / "a", BASE), write_run(tmp_path / "c", WORLD.frame(WORLD.score(1.0, 9)))
    result = review(before, write_run(tmp_path / "b", BETTER), POLICY, "--reseeded", str(again))
    other = pd.read_parquet(again / "predictions.parquet")["y_pred"].to_numpy()
    assert result["comparison"]["flips"]["self_churn"] == pytest.approx((other != BASE["y_pred"].to_numpy()).mean())


def test_data_changes_are_counted_row_by_row(review: Review, tmp_path: Path) -> None:
    before, after = write_run(tmp_path / "a", BASE), write_run(tmp_path / "b", BETTER, data={"digest": "other"})
    rows = pd.read_parquet(after / "rows.parquet")
    train = rows.index[rows["part"] == "train"]
    rows.loc[train[0], "features_digest"] = "changed"
    rows.loc[train[1:3], "label_digest"] = "relabelled"
    rows = rows.drop(index=train[5:9])
    extra = pd.DataFrame({"row_id": ["new-0", "new-1"], "part": "train", "features_digest": "n", "label_digest": "l"})
    pd.concat([rows, extra]).to_parquet(after / "rows.parquet", index=False)
    data = review(before, after)["comparison"]["data"]
    counts = [data[name] for name in ("rows_added", "rows_removed", "rows_changed", "labels_changed", "overlap")]
    assert counts == [2, 4, 1, 2, 0]


def test_a_column_that_moved_is_named_with_its_effect(review: Review, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    before, after = write_run(tmp_path / "a", BASE), write_run(tmp_path / "b", BETTER, data={"digest": "other"})
    for directory, shift, share in ((before, 0.0, 0.5), (after, 1.0, 0.5)):
        values = rng.normal(shift, 1, 5000)
        edges = np.quantile(values, np.linspace(0, 1, 11))
        number = {"type": "number", "missing": 0, "edges": edges.tolist(), "counts": [500] * 10}
        steady = {"type": "string", "missing": 0, "top": {"x": 2500 * share * 2, "y": 2500.0}, "other": 0}
        profile = {"schema": "model-review/profile@1", "rows": 5000, "columns": {"moved": number, "steady": steady}}
        (directory / "profile.json").write_text(json.dumps(profile))
    columns = {row["column"]: row for row in review(before, after)["comparison"]["data"]["columns"]}
    assert columns["moved"]["low"] > 0.5
    assert columns["moved"]["p_adjusted"] < 1e-6
    assert columns["steady"]["effect"] == 0


def test_a_champion_that_was_trained_on_the_compared_rows_is_not_comparable(review: Review, tmp_path: Path) -> None:
    before = write_run(tmp_path / "a", BASE)
    rows = pd.read_parquet(before / "rows.parquet").assign(part="train")
    rows.to_parquet(before / "rows.parquet", index=False)
    result = review(before, write_run(tmp_path / "b", BETTER))
    assert result["verdict"]["hold_reason"] == "not comparable"
    assert "trained on 4,000 of the compared rows" in result["verdict"]["reason"]


def look(number: int, digest: str = "e", shared: str = "") -> Look:
    return Look(
        evaluation_digest="sha256:" + digest * 64,
        row_count=1000,
        time="2026-01-01T00:00:00Z",
        challenger_key=f"sha256:{number:064x}",
        champion_key="sha256:" + "0" * 63 + "c",
        alpha=0.00125,
        sketch=shared,
    )


def ids(start: int, rows: int) -> str:
    import pyarrow as pa

    return sketch(pa.array([f"row {number}" for number in range(start, start + rows)]))


def test_the_ledger_counts_distinct_pairs_and_nothing_twice(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    assert [append_look(path, look(number)) for number in (1, 2, 1, 3, 2)] == [1, 2, 1, 3, 2]
    assert len(read_ledger(path)) == 3
    assert look_number(read_ledger(path), look(9, "f")) == 1


def test_a_set_that_shares_most_of_its_rows_inherits_the_looks(tmp_path: Path) -> None:
    assert shared_share(ids(0, 1000), 1000, ids(300, 1000), 1000) == pytest.approx(0.7, abs=0.1)
    looks = [look(1, "a", ids(0, 1000)), look(2, "a", ids(0, 1000)), look(3, "b", ids(300, 1000))]
    assert look_number(looks, look(4, "c", ids(600, 1000))) == 4
    assert look_number(looks, look(4, "d", ids(5000, 1000))) == 1


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"alpha": 1}', json.dumps({**look(1).model_dump(), "evaluation_digest": "@evil"}), "null"]
)
def test_a_spoilt_ledger_is_refused_with_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text(json.dumps(look(1).model_dump()) + "\n" + line + "\n")
    with pytest.raises(ReviewError, match=r"ledger\.jsonl, line 2"):
        read_ledger(path)


def test_judge_refuses_a_comparison_made_at_other_levels(
    review: Review, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from model_review.cli import main

    result = review(write_run(tmp_path / "a", BASE), write_run(tmp_path / "b", BETTER))
    comparison = str(result["out"] / "comparison.json")
    given = ["--comparison", comparison, "--contract", str(tmp_path / "a/contract.yaml")]
    for old, new, said in [
        ("margin = 0.01", "margin = 0.02", "guardrail log_loss"),
        ("min_effect = 0.002", "min_effect = 0.0", "objective roc_auc"),
        ("[slices]", "[decision]\nplanned_looks = 5\n[slices]", "planned_looks"),
    ]:
        other = tmp_path / "other.toml"
        other.write_text(POLICY.replace(old, new))
        assert main(["judge", *given, "--policy", str(other)]) == 2
        assert said in capsys.readouterr().err
    same = tmp_path / "same.toml"
    same.write_text(POLICY)
    assert main(["judge", *given, "--policy", str(same), "--out", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again" / "verdict.json").read_bytes() == (result["out"] / "verdict.json").read_bytes()


def test_fail_on_decides_the_exit_code(review: Review, tmp_path: Path) -> None:
    before = write_run(tmp_path / "a", BASE)
    assert review(before, write_run(tmp_path / "b", BASE), POLICY, "--fail-on", "hold")["code"] == 1
    assert (
        review(before, write_run(tmp_path / "c", WORLD.frame(WORLD.score(0.8, 2))), POLICY, "--fail-on", "hold")["code"]
        == 0
    )
