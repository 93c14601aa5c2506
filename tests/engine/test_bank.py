"""Real input: Bank Marketing (UCI, Moro, Cortez, Rita; CC BY 4.0), trained here as a generated project would."""

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from worlds import POLICY, Review, record, write_run

ROOT = Path(__file__).resolve().parents[2]
BANK = Path(os.environ.get("MODEL_REVIEW_BANK_CSV", ROOT.parent / "shared" / "data" / "bank-full.csv.gz"))
pytestmark = pytest.mark.skipif(not BANK.exists(), reason="bank-full.csv.gz is not present")

CONTRACT = "kind: DataContract\nschema:\n  - name: bank\n    properties:\n" + "\n".join(
    f"      - {{name: {name}, customProperties: [{{property: roles, value: [{roles}]}}]}}"
    for name, roles in {
        **dict.fromkeys(["balance", "housing", "loan", "contact", "day", "month", "campaign", "pdays"], "feature"),
        **dict.fromkeys(["previous", "poutcome", "default", "education"], "feature"),
        "job": "feature, slice",
        "age": "feature, sensitive",
        "marital": "feature, sensitive",
        "duration": "forbidden",
        "y": "target",
    }.items()
)
RULES = POLICY.replace('"region"', '"job"') + '[fairness]\nmetric = "recall"\nmargin = 0.2\ncolumns = ["marital"]\n'


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    frame = pd.read_csv(BANK)
    key = frame.drop(columns=["y", "duration"]).astype(str).agg("\x1f".join, axis=1)
    hashes = key.map(lambda text: hashlib.sha256(text.encode()).hexdigest())
    frame["row_id"] = hashes.str[:20] + "-" + frame.groupby(hashes).cumcount().astype(str)
    frame["evaluation"] = hashes.str[:8].map(lambda text: int(text, 16) / 2**32 < 0.25)
    return frame


FITTED: dict[tuple[bool, int], np.ndarray[Any, Any]] = {}


def fit(table: pd.DataFrame, features: list[str], boosted: bool) -> np.ndarray[Any, Any]:
    """Scores of the evaluation rows; each model is trained once for the whole module."""
    key = boosted, len(features)
    if key not in FITTED:
        FITTED[key] = train(table, features, boosted)
    return FITTED[key]


def train(table: pd.DataFrame, features: list[str], boosted: bool) -> np.ndarray[Any, Any]:
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

    text = [name for name in features if not pd.api.types.is_numeric_dtype(table[name])]
    numbers = [name for name in features if name not in text]
    train, test = table[~table["evaluation"]], table[table["evaluation"]]
    if boosted:
        columns = make_column_transformer((OrdinalEncoder(), text), remainder="passthrough")
        model = make_pipeline(columns, HistGradientBoostingClassifier(random_state=0))
    else:
        columns = make_column_transformer((OneHotEncoder(), text), (StandardScaler(), numbers))
        model = make_pipeline(columns, LogisticRegression(max_iter=1000))
    model.fit(train[features], train["y"] == "yes")
    return np.asarray(model.predict_proba(test[features])[:, 1])


def write(directory: Path, table: pd.DataFrame, features: list[str], boosted: bool, **changes: Any) -> Path:
    test = table[table["evaluation"]].reset_index(drop=True)
    score = fit(table, features, boosted)
    predictions = pd.DataFrame(
        {
            "row_id": test["row_id"],
            "scenario": "test",
            "y_true": test["y"],
            "y_pred": np.where(score >= 0.2, "yes", "no"),
            "score": score,
            "slice:job": test["job"],
            "slice:marital": test["marital"],
            "slice:age": pd.cut(test["age"], [0, 30, 45, 60, 120]).astype(str),
        }
    )
    raw = test.drop(columns=["evaluation"]).astype(str)
    write_run(directory, predictions, raw, contract=CONTRACT, **record(features=features, **changes))
    ids = pd.DataFrame({"row_id": table["row_id"], "part": np.where(table["evaluation"], "evaluation", "train")})
    ids.assign(features_digest="f", label_digest=table["y"]).to_parquet(directory / "rows.parquet", index=False)
    return directory


def usual(table: pd.DataFrame) -> list[str]:
    return [name for name in table.columns if name not in ("y", "duration", "row_id", "evaluation")]


def test_gradient_boosting_after_a_logistic_model_is_promoted(
    review: Review, table: pd.DataFrame, tmp_path: Path
) -> None:
    champion = write(tmp_path / "a", table, usual(table), False)
    result = review(champion, write(tmp_path / "b", table, usual(table), True), RULES)
    assert result["verdict"]["verdict"] == "promote", result["verdict"]["because"]


def test_the_forbidden_duration_is_rejected_by_name(review: Review, table: pd.DataFrame, tmp_path: Path) -> None:
    champion = write(tmp_path / "a", table, usual(table), False)
    result = review(champion, write(tmp_path / "b", table, [*usual(table), "duration"], True), RULES)
    assert result["verdict"]["verdict"] == "reject"
    assert "duration" in result["verdict"]["reason"]


def test_a_new_duration_that_nobody_forbade_is_for_a_person(
    review: Review, table: pd.DataFrame, tmp_path: Path
) -> None:
    before = "\n".join(line for line in CONTRACT.splitlines() if "duration" not in line)
    base = tmp_path / "base.yaml"
    base.write_text(before)
    champion = write(tmp_path / "a", table, usual(table), False)
    challenger = write(tmp_path / "b", table, [*usual(table), "duration"], False)
    result = review(champion, challenger, RULES, "--contract", str(base))
    assert result["verdict"]["hold_reason"] == "a person must decide"
    assert "duration" in result["verdict"]["reason"]
    assert "leak" in result["verdict"]["reason"]


def test_a_refactor_that_changes_nothing_is_no_meaningful_change(
    review: Review, table: pd.DataFrame, tmp_path: Path
) -> None:
    champion = write(tmp_path / "a", table, usual(table), False)
    result = review(champion, write(tmp_path / "b", table, usual(table), False, commit="b" * 40), RULES)
    assert result["verdict"]["hold_reason"] == "no meaningful change"
    assert len((result["out"] / "report.md").read_text().splitlines()) == 1
