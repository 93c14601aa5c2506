"""Names that mean harm: they are text everywhere, and a report that grows too long is rendered shorter."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hostile import EVIL, FRAMES, review, write_frame
from worlds import record


@pytest.mark.parametrize("name", EVIL)
def test_a_hostile_name_is_text_everywhere(sides: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    base = record(target=name, features=[name, "paid_back"], params={name: name}, warnings=[name], commit=name)
    (sides / "b" / "run.json").write_text(json.dumps(base))
    frame = FRAMES[1].copy()
    frame["slice:" + name] = np.where(np.arange(len(frame)) % 2, name, "other")
    write_frame(sides / "b", pd.concat([frame, frame.assign(scenario="noise:" + name)]))
    assert review(sides, capsys) in ((0, 1) if len(name) <= 1000 else (2,))


def test_a_huge_report_is_rendered_shorter_and_never_cut(sides: Path, capsys: pytest.CaptureFixture[str]) -> None:
    long = [f"column number {k} with a rather long name {'x' * 100}" for k in range(3000)]
    base = record(features=long, params={name: name for name in long[:2000]}, warnings=long[:500])
    (sides / "b" / "run.json").write_text(json.dumps(base))
    frame = pd.concat([FRAMES[1].assign(**{f"slice:{name}": name for name in long[:60]})])
    write_frame(sides / "b", frame)
    assert review(sides, capsys) in (0, 1)
    text = (sides / "out" / "report.md").read_text()
    assert text.count("<details>") == text.count("</details>")
    assert text.rstrip().endswith("</sub>")
