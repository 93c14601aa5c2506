"""The demo table keeps the promises that the docs, the demo and later tests build on."""

import hashlib
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import demo_data
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

CATEGORIES = ["region", "plan", "gender", "auto_pay"]
NUMBERS = [
    "age",
    "tenure_months",
    "monthly_fee",
    "usage_hours",
    "support_calls",
    "late_payments",
    "satisfaction",
    "ticket_words",
]
TABLE_SHA256 = "30c218d3510fd33a9c9171ff3f26d24f256e9e33d3f10e1884e8dcc5da4a446b"  # pragma: allowlist secret
LAST_QUARTER_SHA256 = "a27e824046ae6a88aa3402707a45ce7e47458d0c74c634ad0eebcfa072a9e51a"  # pragma: allowlist secret


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both files, written once."""
    folder = tmp_path_factory.mktemp("demo")
    demo_data.write_table(folder / "customers.csv")
    demo_data.write_last_quarter(folder / "last-quarter.csv")
    return folder


@pytest.fixture(scope="module")
def table(folder: Path) -> pd.DataFrame:
    """The table that generation uses."""
    return pd.read_csv(folder / "customers.csv")


@pytest.fixture(scope="module")
def last_quarter(folder: Path) -> pd.DataFrame:
    """The three months that generation keeps out."""
    return pd.read_csv(folder / "last-quarter.csv")


def inputs(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns that an honest model may use."""
    words = frame["last_ticket"].fillna("").str.split().str.len()
    return frame.assign(ticket_words=words)[CATEGORIES + NUMBERS]


def boosting() -> Pipeline:
    """The kind of model that a generated project starts with."""
    columns = make_column_transformer((OrdinalEncoder(), CATEGORIES), ("passthrough", NUMBERS))
    return make_pipeline(columns, HistGradientBoostingClassifier(random_state=0))


def linear() -> Pipeline:
    """The straight-line baseline."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = make_column_transformer((OneHotEncoder(), CATEGORIES), (numbers, NUMBERS))
    return make_pipeline(columns, LogisticRegression(max_iter=1000))


def auc(model: Pipeline, rows: pd.DataFrame) -> float:
    """The ROC AUC of a fitted model."""
    return float(roc_auc_score(rows["churned"] == "yes", model.predict_proba(inputs(rows))[:, 1]))


@pytest.fixture(scope="module")
def held_out(table: pd.DataFrame) -> pd.DataFrame:
    """The last four months of the table."""
    return table[table["observed_on"] >= "2025-06-01"]


@pytest.fixture(scope="module")
def fitted(table: pd.DataFrame) -> Pipeline:
    """A boosted model of the months before."""
    rows = table[table["observed_on"] < "2025-06-01"]
    return boosting().fit(inputs(rows), rows["churned"] == "yes")


def test_bytes_are_the_same_on_every_run_and_platform(folder: Path) -> None:
    assert hashlib.sha256((folder / "customers.csv").read_bytes()).hexdigest() == TABLE_SHA256
    assert hashlib.sha256((folder / "last-quarter.csv").read_bytes()).hexdigest() == LAST_QUARTER_SHA256


def test_command_writes_both_files_whatever_the_hash_seed_and_locale(folder: Path, tmp_path: Path) -> None:
    env = {"PYTHONHASHSEED": "7", "LC_ALL": "C", "PYTHONUTF8": "0"}
    subprocess.run([sys.executable, demo_data.__file__, str(tmp_path / "new")], env=env, check=True)
    for name in ("customers.csv", "last-quarter.csv"):
        assert (tmp_path / "new" / name).read_bytes() == (folder / name).read_bytes()


def test_command_without_a_folder_says_how_to_call_it() -> None:
    result = subprocess.run([sys.executable, demo_data.__file__], capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert result.stderr.startswith("usage:")
    assert "Traceback" not in result.stderr


def test_script_survives_rendering_by_the_template_engine() -> None:
    text = Path(demo_data.__file__).read_text(encoding="utf-8")
    assert not [mark for mark in ("{{", "{%", "{#") if mark in text]


def test_table_is_of_a_size_for_a_demo_and_for_git(folder: Path, table: pd.DataFrame) -> None:
    assert 4_000 <= len(table) <= 6_000
    assert (folder / "customers.csv").stat().st_size < 500_000


def test_types_are_mixed(table: pd.DataFrame) -> None:
    assert pd.api.types.is_integer_dtype(table["support_calls"])
    assert pd.api.types.is_float_dtype(table["monthly_fee"])
    assert set(table["auto_pay"]) == {"yes", "no"}
    assert table["plan"].nunique() == 3
    assert pd.to_datetime(table["observed_on"], format="%Y-%m-%d").notna().all()
    assert table["last_ticket"].nunique() > 0.8 * table["last_ticket"].count()
    assert table["last_ticket"].str.split().str.len().mean() > 5


def test_values_are_missing_in_some_columns_and_never_in_the_keys(table: pd.DataFrame) -> None:
    missing = table.isna().mean()
    assert 0.03 < missing["usage_hours"] < 0.10
    assert 0.10 < missing["satisfaction"] < 0.20
    assert missing[["customer_id", "observed_on", "churned"]].sum() == 0


def test_dates_cover_24_months_of_which_the_table_has_21(table: pd.DataFrame, last_quarter: pd.DataFrame) -> None:
    months = sorted(table["observed_on"].str[:7].unique())
    later = sorted(last_quarter["observed_on"].str[:7].unique())
    assert (months[0], months[-1], len(months)) == ("2024-01", "2025-09", 21)
    assert later == ["2025-10", "2025-11", "2025-12"]
    assert table.groupby(table["observed_on"].str[:7]).size().min() > 100
    assert table["observed_on"].is_monotonic_increasing


def test_customers_repeat_two_to_three_times_and_are_the_same_person(table: pd.DataFrame) -> None:
    assert 2 <= len(table) / table["customer_id"].nunique() <= 3
    people = table[["customer_id", "region", "plan", "gender", "age", "auto_pay"]].drop_duplicates()
    assert people["customer_id"].is_unique
    for _, rows in table.groupby("customer_id"):
        assert all(earlier < later for earlier, later in pairwise(rows["tenure_months"]))


def test_rows_are_distinct(table: pd.DataFrame) -> None:
    assert not table.duplicated(["customer_id", "observed_on"]).any()


def test_outcome_of_one_customer_depends_on_the_customer(table: pd.DataFrame) -> None:
    churned = table.assign(churned=table["churned"] == "yes")
    repeated = churned.groupby("customer_id").filter(lambda rows: len(rows) >= 3)
    rates = repeated.groupby("customer_id")["churned"].agg(["mean", "size"])
    share = repeated["churned"].mean()
    # Of independent rows the rates would vary as a binomial does.
    assert rates["mean"].var() > 1.15 * (share * (1 - share) / rates["size"]).mean()


def test_last_quarter_has_other_inputs(table: pd.DataFrame, last_quarter: pd.DataFrame) -> None:
    def shift(column: str) -> float:
        return float((last_quarter[column].mean() - table[column].mean()) / table[column].std())

    assert shift("monthly_fee") > 0.3
    assert shift("usage_hours") < -0.3
    assert shift("support_calls") > 0.3
    assert abs(shift("age")) < 0.1


def test_months_before_the_last_quarter_do_not_drift(table: pd.DataFrame) -> None:
    halves = (table.iloc[: len(table) // 2], table.iloc[len(table) // 2 :])
    for column in ("monthly_fee", "usage_hours", "support_calls"):
        assert abs(halves[0][column].mean() - halves[1][column].mean()) < 0.1 * table[column].std()


def test_last_quarter_has_another_base_rate(table: pd.DataFrame, last_quarter: pd.DataFrame) -> None:
    before, after = ((frame["churned"] == "yes").mean() for frame in (table, last_quarter))
    error = np.sqrt(before * (1 - before) / len(table) + after * (1 - after) / len(last_quarter))
    assert (after - before) / error > 4


def test_last_quarter_appended_to_the_table_stays_within_its_contract(
    table: pd.DataFrame, last_quarter: pd.DataFrame
) -> None:
    assert list(table.columns) == list(last_quarter.columns)
    for column in table.columns:
        old, new = table[column].dropna(), last_quarter[column].dropna()
        if table[column].notna().all():
            assert last_quarter[column].notna().all(), column
        if pd.api.types.is_numeric_dtype(old):
            width = old.max() - old.min()
            assert old.min() - width <= new.min(), column
            assert new.max() <= old.max() + width, column
        elif column == "last_ticket":
            assert new.str.len().max() <= old.str.len().max()
        elif column == "observed_on":
            days = pd.to_datetime(old)
            assert pd.to_datetime(new).max() <= days.max() + (days.max() - days.min())
        elif column != "customer_id":
            assert set(new) <= set(old), column


def test_honest_columns_rank_the_target_well_and_better_than_a_straight_line(
    table: pd.DataFrame, held_out: pd.DataFrame, fitted: Pipeline
) -> None:
    rows = table.drop(held_out.index)
    straight = auc(linear().fit(inputs(rows), rows["churned"] == "yes"), held_out)
    assert 0.77 <= auc(fitted, held_out) <= 0.85
    assert auc(fitted, held_out) - straight > 0.08


def test_one_region_is_a_weak_slice_with_enough_rows(held_out: pd.DataFrame, fitted: Pipeline) -> None:
    by_region = {region: auc(fitted, rows) for region, rows in held_out.groupby("region")}
    assert by_region.pop("islands") < min(by_region.values()) - 0.15
    assert (held_out["region"] == "islands").sum() >= 100


def test_sensitive_columns_are_present_and_balanced(table: pd.DataFrame) -> None:
    assert 0.45 < (table["gender"] == "female").mean() < 0.55
    assert table["age"].between(18, 100).all()


def test_leak_is_filled_after_churn_and_betrays_it_on_unseen_rows(table: pd.DataFrame) -> None:
    churned = table["churned"] == "yes"
    level = table["cancellation_reason"].fillna("(missing)")
    assert not (table["cancellation_reason"].notna() & ~churned).any()
    first_half = table.index % 2 == 0
    rates = churned[first_half].groupby(level[first_half]).mean()
    assert roc_auc_score(churned[~first_half], level[~first_half].map(rates)) > 0.99


def test_leak_is_not_a_copy_of_the_target(table: pd.DataFrame) -> None:
    churned = table["churned"] == "yes"
    assert 0 < table.loc[churned, "cancellation_reason"].isna().mean() < 0.02
    assert table["cancellation_reason"].nunique() == 4
