"""Known worlds: the truth is made first, so the right verdict and its reason are known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from worlds import CONTRACT, POLICY, Review, World, write_run

from model_review.cli import main

WORLD = World()
BASE = WORLD.frame(WORLD.score(1.0, 1))
BETTER = WORLD.frame(WORLD.score(1.3, 2))


@pytest.fixture
def champion(tmp_path: Path) -> Path:
    return write_run(tmp_path / "champion", BASE)


def rules(result: dict) -> dict[str, str]:  # type: ignore[type-arg]  # plain JSON
    return {one["rule"]: one["status"] for one in result["verdict"]["because"]}


def test_a_better_model_is_promoted(review: Review, champion: Path, tmp_path: Path) -> None:
    result = review(champion, write_run(tmp_path / "b", BETTER))
    assert (result["verdict"]["verdict"], result["code"]) == ("promote", 0)
    assert "roc_auc gets better" in result["verdict"]["reason"]


def test_a_worse_model_is_rejected(review: Review, champion: Path, tmp_path: Path) -> None:
    result = review(champion, write_run(tmp_path / "b", WORLD.frame(WORLD.score(0.8, 2))))
    assert (result["verdict"]["verdict"], result["code"]) == ("reject", 1)
    assert "roc_auc gets worse" in result["verdict"]["reason"]


def test_the_same_model_changes_nothing(review: Review, champion: Path, tmp_path: Path) -> None:
    result = review(champion, write_run(tmp_path / "b", BASE, commit="b" * 40))
    assert result["verdict"]["hold_reason"] == "no meaningful change"
    assert result["code"] == 0
    for row in result["comparison"]["metrics"]:
        assert (row["delta"], row["low"], row["high"]) == (0, 0, 0), row["name"]


def test_an_equal_model_on_many_rows_is_no_meaningful_change(review: Review, tmp_path: Path) -> None:
    world = World(rows=60_000)
    before = write_run(tmp_path / "a", world.frame(world.score(1.0, 1, noise=0.1)))
    after = write_run(tmp_path / "b", world.frame(world.score(1.0, 2, noise=0.1)))
    result = review(before, after)
    assert result["verdict"]["verdict"] == "hold"
    assert result["verdict"]["hold_reason"] == "no meaningful change"


def test_an_equal_model_on_few_rows_is_too_small_to_tell_and_says_what_it_takes(review: Review, tmp_path: Path) -> None:
    world = World(rows=400)
    before = write_run(tmp_path / "a", world.frame(world.score(1.0, 1)))
    after = write_run(tmp_path / "b", world.frame(world.score(1.0, 2)))
    result = review(before, after)
    assert result["verdict"]["hold_reason"] == "test set too small"
    power = result["comparison"]["power"]
    assert power["rows_needed"] > 400
    assert "can show a gain of" in result["verdict"]["reason"]


def test_fewer_rows_than_the_policy_asks_for_decide_nothing(review: Review, tmp_path: Path) -> None:
    world = World(rows=150)
    before = write_run(tmp_path / "a", world.frame(world.score(0.5, 1)))
    after = write_run(tmp_path / "b", world.frame(world.score(3.0, 2)))
    result = review(before, after)
    assert result["verdict"]["hold_reason"] == "test set too small"
    assert "fewer than the 200" in result["verdict"]["reason"]


def test_worse_on_one_slice_is_rejected_though_the_whole_is_better(
    review: Review, champion: Path, tmp_path: Path
) -> None:
    score = WORLD.score(1.4, 2)
    west = WORLD.region == "west"
    score[west] = np.random.default_rng(5).permutation(score[west])
    frame = WORLD.frame(score)
    result = review(champion, write_run(tmp_path / "b", frame))
    assert result["verdict"]["verdict"] == "reject"
    assert "slice region = west" in " ".join(one["detail"] for one in result["verdict"]["because"])
    assert rules(result)["slices"] == "red"


def test_a_forbidden_column_is_rejected_by_name(review: Review, champion: Path, tmp_path: Path) -> None:
    after = write_run(tmp_path / "b", BETTER, features=["amount", "paid_back"])
    result = review(champion, after)
    assert result["verdict"]["verdict"] == "reject"
    assert "paid_back" in result["verdict"]["reason"]


def test_the_pull_requests_own_contract_cannot_lift_the_ban(review: Review, champion: Path, tmp_path: Path) -> None:
    lifted = CONTRACT.replace("[forbidden]", "[feature]")
    after = write_run(tmp_path / "b", BETTER, features=["amount", "paid_back"], contract=lifted)
    result = review(champion, after)
    assert result["verdict"]["verdict"] == "reject"
    assert result["comparison"]["changes"]["roles"] == ["paid_back: forbidden became feature"]


def test_a_new_column_that_alone_beats_the_champion_is_for_a_person(review: Review, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    leak = np.round(WORLD.truth * 3 + rng.normal(size=WORLD.rows), 2)
    raw = pd.DataFrame({"row_id": BASE["row_id"], "amount": rng.normal(size=WORLD.rows).astype(str)})
    raw["duration"] = leak.astype(str)
    champion = write_run(tmp_path / "a", BASE, raw)
    after = write_run(tmp_path / "b", WORLD.frame(WORLD.score(2.5, 2)), raw, features=["amount", "duration"])
    result = review(champion, after)
    assert result["verdict"]["verdict"] == "hold"
    assert result["verdict"]["hold_reason"] == "a person must decide"
    assert "duration" in result["verdict"]["reason"]
    assert "leak" in result["verdict"]["reason"]


def test_a_new_column_that_cannot_be_looked_at_is_a_hold_never_a_pass(
    review: Review, champion: Path, tmp_path: Path
) -> None:
    after = write_run(tmp_path / "b", BETTER, features=["amount", "brand_new"])
    result = review(champion, after)
    assert result["verdict"]["verdict"] == "hold"
    assert "brand_new" in result["verdict"]["reason"]


def test_evaluation_rows_among_the_training_rows_are_rejected(review: Review, champion: Path, tmp_path: Path) -> None:
    result = review(champion, write_run(tmp_path / "b", BETTER, overlap=7))
    assert result["verdict"]["verdict"] == "reject"
    assert "7 evaluation rows" in result["verdict"]["reason"]


def test_without_rows_parquet_the_overlap_is_not_known_and_that_is_a_hold(
    review: Review, champion: Path, tmp_path: Path
) -> None:
    after = write_run(tmp_path / "b", BETTER)
    (after / "rows.parquet").unlink()
    result = review(champion, after)
    assert result["verdict"]["hold_reason"] == "a person must decide"
    assert rules(result)["check overlap"] == "not made"


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1, 1.5])
def test_scores_that_are_no_probabilities_are_rejected_with_file_and_column(
    review: Review, champion: Path, tmp_path: Path, value: float
) -> None:
    frame = BETTER.copy()
    frame.loc[[3, 8, 9], "score"] = value
    result = review(champion, write_run(tmp_path / "b", frame))
    assert (result["verdict"]["verdict"], result["code"]) == ("reject", 1)
    assert ": predictions.parquet: column score" in result["verdict"]["reason"]


def test_shuffled_rows_are_matched_and_give_the_same_bytes(review: Review, champion: Path, tmp_path: Path) -> None:
    review(champion, write_run(tmp_path / "b", BETTER))
    first = (tmp_path / "out" / "comparison.json").read_bytes()
    review(champion, write_run(tmp_path / "c", BETTER.sample(frac=1, random_state=1)))
    assert (tmp_path / "out" / "comparison.json").read_bytes() == first


def test_one_row_short_is_not_comparable(review: Review, champion: Path, tmp_path: Path) -> None:
    result = review(champion, write_run(tmp_path / "b", BETTER.iloc[:-1]))
    assert result["verdict"]["hold_reason"] == "not comparable"
    assert "1 only by the champion" in result["verdict"]["reason"]
    assert result["comparison"]["metrics"] == []


def test_changed_truths_are_not_comparable(review: Review, champion: Path, tmp_path: Path) -> None:
    frame = BETTER.copy()
    frame.loc[:4, "y_true"] = np.where(frame.loc[:4, "y_true"] == "yes", "no", "yes")
    result = review(champion, write_run(tmp_path / "b", frame))
    assert result["verdict"]["hold_reason"] == "not comparable"
    assert "5 of 4,000" in result["verdict"]["reason"]


def test_a_missing_class_is_too_small_to_tell(review: Review, tmp_path: Path) -> None:
    only = BASE["y_true"] == "no"
    before, after = write_run(tmp_path / "a", BASE[only]), write_run(tmp_path / "b", BETTER[only])
    result = review(before, after)
    assert result["verdict"]["hold_reason"] == "test set too small"
    assert "one class is missing" in result["verdict"]["reason"]


def test_a_constant_model_is_rejected(review: Review, champion: Path, tmp_path: Path) -> None:
    result = review(champion, write_run(tmp_path / "b", WORLD.frame(np.full(WORLD.rows, 0.3))))
    assert result["verdict"]["verdict"] == "reject"
    assert {one["name"] for one in result["comparison"]["undefined"]} == {"business_value"}


def test_the_first_run_is_judged_by_floors_alone_and_says_so(review: Review, tmp_path: Path) -> None:
    result = review(None, write_run(tmp_path / "b", BETTER))
    assert result["verdict"]["verdict"] == "promote"
    assert "First run" in result["verdict"]["reason"]


def test_a_first_run_below_its_floor_is_rejected(review: Review, tmp_path: Path) -> None:
    result = review(None, write_run(tmp_path / "b", BETTER), POLICY.replace("min = 0.6", "min = 0.95"))
    assert result["verdict"]["verdict"] == "reject"
    assert "below the floor of 0.95" in result["verdict"]["reason"]


def test_a_first_run_without_floors_is_for_a_person(review: Review, tmp_path: Path) -> None:
    policy = POLICY.split("[[floor]]")[0]
    result = review(None, write_run(tmp_path / "b", BETTER), policy)
    assert result["verdict"]["hold_reason"] == "a person must decide"


def test_a_guardrail_shown_worse_is_rejected_though_the_objective_is_better(
    review: Review, champion: Path, tmp_path: Path
) -> None:
    score = WORLD.score(1.3, 2)
    result = review(champion, write_run(tmp_path / "b", WORLD.frame(score**4)))
    assert result["verdict"]["verdict"] == "reject"
    assert rules(result)["objective roc_auc"] == "green"
    assert rules(result)["guardrail log_loss"] == "red"


def test_a_gate_that_the_challenger_left_out_is_a_hold(review: Review, tmp_path: Path) -> None:
    drop = ["slice:region"]
    before, after = (
        write_run(tmp_path / "a", BASE.drop(columns=drop)),
        write_run(tmp_path / "b", BETTER.drop(columns=drop)),
    )
    result = review(before, after)
    assert result["verdict"]["hold_reason"] == "a person must decide"
    assert "region" in result["verdict"]["reason"]


def test_a_dearer_model_is_for_a_person(review: Review, champion: Path, tmp_path: Path) -> None:
    after = write_run(tmp_path / "b", BETTER, cost={"train_seconds": 9.0})
    result = review(champion, after, POLICY + "[cost]\ntrain_seconds = 3.0\n")
    assert result["verdict"]["hold_reason"] == "a person must decide"
    assert "9 times" in result["verdict"]["reason"]


def test_a_used_up_evaluation_set_promotes_nothing_and_says_how_to_renew_it(
    review: Review, champion: Path, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger.jsonl"
    policy = POLICY + "[decision]\nplanned_looks = 2\n"
    for seed in (2, 3, 4):
        after = write_run(tmp_path / f"b{seed}", WORLD.frame(WORLD.score(1.3, seed)))
        result = review(champion, after, policy, "--ledger", str(ledger))
        assert result["verdict"]["look"] == seed - 1
        if seed < 4:
            assert result["verdict"]["verdict"] == "promote"
            comparison = str(tmp_path / "out" / "comparison.json")
            assert main(["ledger", "append", "--ledger", str(ledger), "--comparison", comparison]) == 0
    assert result["verdict"]["verdict"] == "hold"
    assert "Renew it" in result["verdict"]["reason"]


def test_a_policy_that_the_pull_request_changed_is_reported_and_not_obeyed(
    review: Review, champion: Path, tmp_path: Path
) -> None:
    loose = tmp_path / "loose.toml"
    loose.write_text(POLICY.replace("margin = 0.01", "margin = 10.0"))
    score = WORLD.score(1.3, 2)
    after = write_run(tmp_path / "b", WORLD.frame(score**4))
    result = review(champion, after, POLICY, "--proposed-policy", str(loose))
    assert result["verdict"]["policy_changed"] is True
    assert result["verdict"]["verdict"] == "reject"


def test_csv_predictions_give_the_same_verdict(review: Review, champion: Path, tmp_path: Path) -> None:
    first = review(champion, write_run(tmp_path / "b", BETTER))["comparison"]
    second = review(champion, write_run(tmp_path / "c", BETTER, csv=True))["comparison"]
    assert [row["delta"] for row in first["metrics"]] == [row["delta"] for row in second["metrics"]]


def test_repeated_entities_widen_the_interval(review: Review, tmp_path: Path) -> None:
    before, after = BASE.copy(), BETTER.copy()
    plain = review(write_run(tmp_path / "a", before), write_run(tmp_path / "b", after))["comparison"]
    for frame in (before, after):
        frame["entity"] = (np.arange(len(frame)) // 2).astype(str)
    twice = [
        pd.concat([frame, frame.assign(row_id=frame["row_id"].str.replace("-0", "-1"))]) for frame in (before, after)
    ]
    same = review(write_run(tmp_path / "c", twice[0]), write_run(tmp_path / "d", twice[1]))["comparison"]
    widths = {}
    for name, found in (("plain", plain), ("repeated", same)):
        row = next(row for row in found["metrics"] if row["name"] == "log_loss")
        widths[name] = row["high"] - row["low"]
        assert row["n"] == (4000 if name == "plain" else 8000)
    # Every row twice under one entity brings no information: the interval stays as wide.
    assert widths["repeated"] == pytest.approx(widths["plain"], rel=0.1)


def of_another_task(tmp_path: Path) -> tuple[str, str]:
    """A policy for a regression, and the file of a contract that asks for one."""
    contract = tmp_path / "regression.yaml"
    named = "- name: table\n    customProperties: [{property: task, value: regression}]\n"
    contract.write_text(CONTRACT.replace("- name: table\n", named))
    return 'schema = "model-review/policy@1"\n[objective]\nmetric = "mae"\n[decision]\nmin_rows = 300\n', str(contract)


@pytest.mark.parametrize("sides", ["both", "one"])
def test_a_model_of_another_task_than_the_contracts_is_held_however_good_it_is(
    review: Review, champion: Path, tmp_path: Path, sides: str
) -> None:
    policy, contract = of_another_task(tmp_path)
    after = write_run(tmp_path / "b", BETTER)
    result = review(champion if sides == "both" else None, after, policy, "--contract", contract)
    assert (result["verdict"]["verdict"], result["verdict"]["hold_reason"]) == ("hold", "not comparable")
    assert "asks for regression, and this is binary" in result["verdict"]["reason"]
    assert result["comparison"]["settings"]["min_rows"] == 300  # how sure is sure stays the policy's
    assert not any(one["rule"] == "first run" for one in result["verdict"]["because"])


def test_a_model_of_another_task_with_a_forbidden_column_is_rejected(
    review: Review, champion: Path, tmp_path: Path
) -> None:
    policy, contract = of_another_task(tmp_path)
    after = write_run(tmp_path / "b", BETTER, features=["amount", "paid_back"])
    result = review(champion, after, policy, "--contract", contract)
    assert result["verdict"]["verdict"] == "reject"
    assert "paid_back" in result["verdict"]["reason"]


def test_a_faulty_policy_is_refused_by_its_own_contracts_task(
    review: Review, champion: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, contract = of_another_task(tmp_path)
    with pytest.raises(FileNotFoundError):  # no verdict is written
        review(champion, write_run(tmp_path / "b", BETTER), POLICY, "--contract", contract)
    assert "roc_auc is a metric of binary, and this task is regression" in capsys.readouterr().err


@pytest.mark.parametrize("other", ["task", "target"])
def test_judge_holds_another_question_as_compare_did_and_demands_the_contract_that_says_so(
    review: Review, tmp_path: Path, capsys: pytest.CaptureFixture[str], other: str
) -> None:
    policy, contract = of_another_task(tmp_path)
    after = write_run(tmp_path / "b", BETTER)
    if other == "target":
        policy, after = POLICY, write_run(tmp_path / "b", BETTER, target="stays")
        Path(contract).write_text(CONTRACT)
    result = review(None, after, policy, "--contract", contract)
    assert (result["verdict"]["verdict"], result["verdict"]["hold_reason"]) == ("hold", "not comparable")
    given = ["--comparison", str(result["out"] / "comparison.json"), "--policy", str(tmp_path / "policy.toml")]
    again = tmp_path / "again"
    assert main(["judge", *given, "--contract", contract, "--out", str(again)]) == 0
    capsys.readouterr()
    assert main(["judge", *given]) == 2
    assert "made under a contract; name that file with --contract" in capsys.readouterr().err
    assert (again / "verdict.json").read_bytes() == (result["out"] / "verdict.json").read_bytes()


@pytest.mark.parametrize("made", ["under another", "without one"])
def test_judge_refuses_a_contract_that_the_comparison_was_not_made_under(
    review: Review, tmp_path: Path, capsys: pytest.CaptureFixture[str], made: str
) -> None:
    contract, other = tmp_path / "contract.yaml", tmp_path / "other.yaml"
    contract.write_text(CONTRACT)
    other.write_text(CONTRACT + "# another\n")
    under = ["--contract", str(other)] if made == "under another" else []
    result = review(None, write_run(tmp_path / "b", BETTER), POLICY, *under)
    given = ["--comparison", str(result["out"] / "comparison.json"), "--policy", str(tmp_path / "policy.toml")]
    capsys.readouterr()
    assert main(["judge", *given, "--contract", str(contract)]) == 2
    said = capsys.readouterr().err
    assert said == f"model-review: The comparison was not made under the contract {contract}; compare again with it.\n"


def test_mains_target_as_a_feature_of_a_model_that_predicts_something_else_is_no_leak(
    review: Review, champion: Path, tmp_path: Path
) -> None:
    after = write_run(tmp_path / "b", BETTER, target="stays", features=["amount", "y"])
    result = review(champion, after)
    assert result["verdict"]["hold_reason"] == "not comparable"
    assert "what it predicts" not in str(result["verdict"])
    result = review(champion, write_run(tmp_path / "c", BETTER, features=["amount", "y"]))
    assert result["verdict"]["reason"] == "The challenger uses y, which is what it predicts."
