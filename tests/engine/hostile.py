"""Two sound runs and a policy, text that means harm, and one review of what became of them."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from rendered import check_html, check_markdown, headings
from worlds import POLICY, World, write_run

from model_review.cli import main

EVIL = [
    "@everyone",
    "x|y|z",
    "`code` ``two``",
    "<img src=x onerror=alert(1)>",
    "<!-- CML watermark -->",
    '![](https://cml.dev/watermark.png#0 "CML watermark model-review")',
    "[click](https://evil.example)",
    "https://evil.example/a?b=c www.evil.example",
    "\u202eevil\u2066",
    "line\nbreak\r\n\r\n# heading",
    "</summary></details><script>alert(1)</script>",
    "**bold** __bold__ ~~gone~~ $x^2$ :tada: #1 GH-1",
    "```\nfence",
    "| --- |",
    "\\`\\|",
    "&lt;b&gt;&#64;user",
    "a" * 5000,
    "",
    " ",
    "\u200b",
    "=cmd()",
    "{{ 7*7 }} {% raw %}",
    "../../etc/passwd",
    "\ud7ff\ufffe",
]
WORLD = World(rows=60, seed=4)
FRAMES = [WORLD.frame(WORLD.score(skill, seed)) for skill, seed in ((1.0, 1), (1.4, 2))]


def lay(place: Path) -> None:
    """Both runs and the policy, in place of what is there."""
    for name, frame in zip("ab", FRAMES, strict=True):
        for old in (place / name).iterdir() if (place / name).exists() else ():
            old.unlink()
        write_run(place / name, frame)
    (place / "policy.toml").write_text(POLICY)


def write_frame(side: Path, frame: pd.DataFrame, csv: bool = False) -> None:
    """Put predictions in place of those that are there."""
    (side / "predictions.parquet").unlink(missing_ok=True)
    if csv:
        frame.to_csv(side / "predictions.csv", index=False, errors="replace")
    else:
        text = frame.astype({name: str for name in frame.columns if frame[name].dtype == object})
        text.to_parquet(side / "predictions.parquet", index=False)


def said(code: int, capsys: pytest.CaptureFixture[str]) -> str:
    """What went to standard error: one sentence where the input was refused, else nothing."""
    error = capsys.readouterr().err
    if code == 2:
        assert re.fullmatch(r"model-review: .+\n", error), error
        assert len(error) < 1500
    else:
        assert error == ""
    return error


def review(directory: Path, capsys: pytest.CaptureFixture[str]) -> int:
    """Compare `a` with `b`: the exit code, after a look at the sentence or at what was written."""
    out = directory / "out"
    arguments = ["--champion", str(directory / "a"), "--challenger", str(directory / "b"), "--out", str(out)]
    code = main(["compare", *arguments, "--policy", str(directory / "policy.toml")])
    said(code, capsys)
    if code != 2:
        text = (out / "report.md").read_text()
        check_markdown(text)
        assert 'watermark.png#0 "' not in text
        assert not any("heading" in one for one in headings(text))
        check_html((out / "report.html").read_text())
        made = json.loads((out / "comparison.json").read_text(), parse_constant=lambda name: pytest.fail(name))
        judge = ["judge", "--comparison", str(out / "comparison.json"), "--policy", str(directory / "policy.toml")]
        if made["settings"]["contract_digest"] is not None:
            judge += ["--contract", str(directory / "a/contract.yaml")]
        assert main(judge) == code, capsys.readouterr().err  # what the engine writes, it reads
        capsys.readouterr()
    return code
