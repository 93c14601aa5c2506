"""Every table of the list is understood, and every row of it satisfies the contract made from it."""

import json
import time
from importlib import resources
from pathlib import Path

import jsonschema
import pytest
import yaml
from answers import Refusal
from checker import read, violations
from inference import Inferred, infer_file
from open_data_contract_standard.model import OpenDataContractStandard
from packed import blocks
from tables import REFUSED, TABLES, Refused, Table

MAIN_ROLES = {"feature", "target", "identifier", "entity", "time", "forbidden", "unused"}
METRICS = {
    "binary": "roc_auc average_precision log_loss brier_score accuracy balanced_accuracy precision recall f1 mcc",
    "multiclass": "log_loss roc_auc_macro accuracy balanced_accuracy f1_macro mcc",
    "regression": "mae rmse r2 median_ae pinball poisson_deviance",
}
CASES = [pytest.param(table, id=table.name, marks=[pytest.mark.prove] if table.prove else []) for table in TABLES]
Case = tuple[Table, Path, Inferred]


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    table: Table = request.param
    path = table.write(tmp_path_factory.mktemp("table"))
    return table, path, infer_file(path, table.target)


def test_task_and_target_are_found(case: Case) -> None:
    table, _, inferred = case
    assert inferred.settings["task"] == table.task
    assert inferred.with_role("target") == [table.target]
    assert ("positiveClass" in inferred.columns[table.target]) == (table.task == "binary")


def test_every_column_is_in_the_contract_with_one_main_role_and_a_reason_if_set_apart(case: Case) -> None:
    _, path, inferred = case
    header, _ = read(path, inferred)
    assert [entry.get("physicalName", name) for name, entry in inferred.columns.items()] == header
    for name, entry in inferred.columns.items():
        (main,) = MAIN_ROLES & set(entry["roles"])
        assert main in ("feature", "target") or inferred.comment(name), f"{name}: {main} without a reason"
    assert inferred.with_role("feature")
    assert all(len(inferred.with_role(role)) <= 1 for role in ("entity", "time"))


def test_every_row_satisfies_the_contract_made_from_it(case: Case) -> None:
    _, path, inferred = case
    _, columns = read(path, inferred)
    for (name, entry), cells in zip(inferred.columns.items(), columns, strict=True):
        assert not violations(entry, inferred.settings, cells), name


def test_contract_is_valid_for_the_published_model_and_schema(case: Case) -> None:
    *_, inferred = case
    OpenDataContractStandard.from_string(inferred.files["contract.yaml"])
    schema = (resources.files("open_data_contract_standard") / "schema.json").read_text(encoding="utf-8")
    jsonschema.validate(inferred.contract, json.loads(schema))


def test_policy_has_a_reason_per_rule_and_names_metrics_and_columns_that_exist(case: Case) -> None:
    table, _, inferred = case
    policy, metrics = inferred.policy, METRICS[table.task].split()
    assert policy["schema"] == "model-review/policy@1"
    assert policy["objective"]["min_effect"] > 0
    rules = [policy["objective"], *policy["guardrail"], *policy["floor"]]
    rules += [policy[name] for name in ("slices", "fairness") if name in policy]
    for rule in rules:
        assert rule["metric"] in metrics
        assert rule["why"].endswith(".")
        assert rule.get("margin", 1) > 0
    assert policy.get("slices", {}).get("columns", []) == inferred.with_role("slice")
    assert policy.get("fairness", {}).get("columns", []) == inferred.with_role("sensitive")
    assert len(inferred.with_role("slice")) <= 4


def test_params_split_by_time_exactly_where_there_is_a_time_column(case: Case) -> None:
    table, _, inferred = case
    params = inferred.params
    assert (params["split"]["evaluation_from"] is not None) == bool(inferred.with_role("time"))
    assert (params["threshold"] is not None) == (table.task == "binary")
    assert set(params["linear"]) == set(params["tune"]["space"]["linear"])


def test_example_request_holds_each_feature_in_the_type_of_the_contract(case: Case) -> None:
    *_, inferred = case
    (row,) = inferred.request["rows"]
    assert list(row) == inferred.with_role("feature")
    python = {"integer": int, "number": (int, float), "boolean": bool}
    for name, value in row.items():
        assert value is None or isinstance(value, python.get(inferred.columns[name]["logicalType"], str)), name


def test_same_table_gives_the_same_bytes(case: Case) -> None:
    table, path, inferred = case
    assert table.prove or infer_file(path, table.target).files == inferred.files


def test_summary_fits_on_a_screen(case: Case) -> None:
    *_, inferred = case
    assert len(inferred.files["found.txt"].splitlines()) <= 21  # and four lines of next steps


@pytest.mark.parametrize("refused", REFUSED, ids=lambda refused: refused.name)
def test_refused_with_one_clear_sentence(refused: Refused, tmp_path: Path) -> None:
    path = tmp_path / refused.file_name
    path.write_bytes(refused.content)
    with pytest.raises(Refusal) as caught:
        infer_file(path, refused.target)
    sentence = str(caught.value)
    assert refused.words in sentence
    assert sentence.endswith((".", "?"))
    assert "\n" not in sentence


def test_what_the_system_cannot_read_is_not_said_to_be_damaged(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        next(blocks(tmp_path))


def test_a_table_of_one_long_line_is_refused_in_a_time_that_grows_with_its_length_only(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text("[" + '{"a": 1, "y": "no"}, ' * 400_000 + "]", encoding="utf-8")
    start = time.process_time()
    with pytest.raises(Refusal) as caught:
        infer_file(path, "y")
    assert time.process_time() - start < 8  # 1 where it was 37 while each piece had the whole read again
    assert str(caught.value) == """t.json has two columns named '"y": "no"}': rename one of them in its header."""


def test_contract_is_read_the_same_with_any_yaml_reader(tmp_path: Path) -> None:
    """The C reader and the Python one differ in what they accept of control characters."""
    hostile = next(table for table in TABLES if "naive YAML" in table.name)
    text = infer_file(hostile.write(tmp_path), hostile.target).files["contract.yaml"]
    assert yaml.load(text, yaml.SafeLoader) == yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
