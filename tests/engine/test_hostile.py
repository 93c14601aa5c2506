"""Runs, policies and contracts that mean harm, by the thousand: a sentence comes out, or a report that is sound."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hostile import EVIL, FRAMES, lay, review, write_frame
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worlds import CONTRACT, POLICY, record

evil = st.one_of(st.sampled_from(EVIL), st.text(max_size=40))
junk = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**30), 10**30), st.floats(), evil),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(evil, inner, max_size=3)),
    max_leaves=6,
)
NAMED = st.fixed_dictionaries(
    {
        "target": evil,
        "features": st.lists(evil, max_size=3),
        "params": st.dictionaries(evil, st.one_of(evil, st.integers(-9, 9)), max_size=3),
        "warnings": st.lists(evil, max_size=2),
        "baselines": st.dictionaries(evil, st.just({"roc_auc": 0.5}), max_size=2),
        "importances": st.dictionaries(evil, st.floats(-1, 1), max_size=3),
        "commit": evil,
    }
)
FAST = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


def spoil(place: Path, capsys: pytest.CaptureFixture[str], data: st.DataObject) -> None:
    """One hostile run directory or policy, chosen by hypothesis, and its review."""
    kind = data.draw(st.sampled_from(["record", "names", "predictions", "bytes", "policy", "contract", "profile"]))
    side = place / data.draw(st.sampled_from("ab"))
    base = record()
    if kind == "record":
        key = data.draw(st.sampled_from([*base, "unknown"]))
        path = data.draw(st.sampled_from([None, *(base[key] if isinstance(base.get(key), dict) else [])]))
        if path is None:
            base[key] = data.draw(junk)
        else:
            base[key] = {**base[key], path: data.draw(junk)}
        (side / "run.json").write_text(json.dumps(base), errors="surrogatepass")
    elif kind == "names":
        (side / "run.json").write_text(json.dumps({**base, **data.draw(NAMED)}))
        frame = FRAMES[1].copy()
        frame["slice:" + data.draw(evil)] = data.draw(evil)
        frame.loc[: len(frame) // 2, "slice:region"] = data.draw(evil)
        frame = pd.concat([frame, frame.assign(scenario=data.draw(evil))])
        write_frame(side, frame)
    elif kind == "predictions":
        frame = FRAMES[1].copy()
        column = data.draw(st.sampled_from(list(frame.columns)))
        how = data.draw(st.sampled_from(["drop", "null", "junk", "constant", "number", "short", "double"]))
        if how == "drop":
            frame = frame.drop(columns=[column])
        elif how == "short":
            frame = frame.iloc[: data.draw(st.integers(0, 5))]
        elif how == "double":
            frame = pd.concat([frame, frame.iloc[:3]])
        else:
            values: Any = {"null": None, "constant": data.draw(evil), "number": data.draw(st.floats())}.get(how)
            frame[column] = [data.draw(evil) for _ in range(3)] * 20 if how == "junk" else [values] * len(frame)
        write_frame(side, frame, csv=data.draw(st.booleans()))
    elif kind == "bytes":
        name = data.draw(st.sampled_from(["run.json", "predictions.parquet", "rows.parquet", "contract.yaml"]))
        content = (side / name).read_bytes()
        cut = data.draw(st.integers(0, len(content)))
        (side / name).write_bytes(content[:cut] + data.draw(st.binary(max_size=20)) + content[cut + 3 :])
    elif kind == "policy":
        lines = POLICY.splitlines()
        spot = data.draw(st.integers(0, len(lines) - 1))
        value = data.draw(
            st.one_of(evil, st.floats().map(str), st.integers().map(str), st.just('"roc_auc"'), st.just("[1]"))
        )
        lines[spot] = data.draw(st.sampled_from([value, lines[spot].split("=")[0] + "= " + value, f"[{value}]"]))
        (place / "policy.toml").write_text("\n".join(lines), errors="replace")
    elif kind == "contract":
        (side / "contract.yaml").write_text(CONTRACT.replace("amount", data.draw(evil)), errors="replace")
    else:
        profile = {"schema": "model-review/profile@1", "rows": 1, "columns": {"amount": data.draw(junk)}}
        (side / "profile.json").write_text(json.dumps(profile))
        base["data"]["digest"] = "other"
        (side / "run.json").write_text(json.dumps(base))
    review(place, capsys)


@settings(deadline=None, max_examples=60, suppress_health_check=FAST)
@given(data=st.data())
def test_hostile_input_gives_a_sentence(sides: Path, capsys: pytest.CaptureFixture[str], data: st.DataObject) -> None:
    lay(sides)
    spoil(sides, capsys, data)


@pytest.mark.prove
@pytest.mark.parametrize("part", range(10))
@settings(deadline=None, max_examples=1000, suppress_health_check=FAST, database=None)
@given(data=st.data())
def test_ten_thousand_hostile_inputs_give_a_sentence(
    sides: Path, capsys: pytest.CaptureFixture[str], part: int, data: st.DataObject
) -> None:
    """Ten parts of a thousand, each with a seed of its own, so that they can be run apart."""
    lay(sides)
    spoil(sides, capsys, data)
