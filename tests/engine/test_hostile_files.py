"""Files that mean harm or are faulty: they are not followed, not unfolded, and refused in one sentence."""

import os
from pathlib import Path

import pytest
from hostile import review
from worlds import POLICY

from model_review.cli import main


def test_a_link_out_of_the_run_is_not_followed(sides: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = sides / "secret.parquet"
    (sides / "b" / "predictions.parquet").rename(secret)
    (sides / "b" / "predictions.parquet").symlink_to(secret)
    assert review(sides, capsys) == 2


def test_a_pipe_is_not_read(sides: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (sides / "b" / "run.json").unlink()
    os.mkfifo(sides / "b" / "run.json")
    assert review(sides, capsys) == 2


def test_a_file_beyond_its_cap_is_not_read(sides: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (sides / "b" / "run.json").open("wb") as stream:
        stream.truncate(2**33)
    assert review(sides, capsys) == 2


def test_yaml_that_unfolds_without_end_is_a_sentence(sides: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + k)}: &{chr(98 + k)} [*{chr(97 + k)}, *{chr(97 + k)}]\n" for k in range(20)
    )
    (sides / "a" / "contract.yaml").write_text(bomb + "schema: *u\n")
    assert review(sides, capsys) == 2


@pytest.mark.parametrize("value", ["!!bool perhaps", "!!timestamp never", '!!int ""'])
def test_yaml_whose_value_is_not_what_its_tag_says_is_a_sentence(
    sides: Path, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    (sides / "a" / "contract.yaml").write_text(f"schema: {value}\n")
    assert review(sides, capsys) == 2


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('metric = "log_loss"\nmargin = 0.01', 'metric = "logloss"\nmargin = 0.01', 7, "logloss is no metric"),
        ('metric = "log_loss"\nmargin = 0.01', 'metric = "rmse"\nmargin = 0.01', 7, "a metric of regression"),
        ("margin = 0.01", "margin = -0.01", 8, "must be above 0"),
        ('columns = ["region"]', 'columns = ["regoin"]', 17, "regoin is no column"),
        ("min = 0.6", "max = 0.6", 12, "given as min"),
        ("min_effect = 0.002", 'min_effect = "small"', 4, "must be a finite number"),
        ("min_effect = 0.002", "min_effect = 1e99", 4, "must be a finite number, 1e+50 at most"),
        ("min_effect = 0.002", "min_efect = 0.002", 4, "min_efect is not known"),
        ("[objective]", "[objective", 2, "not valid TOML"),
    ],
)
def test_a_faulty_policy_is_refused_with_its_line(
    sides: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, line: int, said: str
) -> None:
    assert old in POLICY
    (sides / "policy.toml").write_text(POLICY.replace(old, new, 1))
    arguments = ["--champion", str(sides / "a"), "--challenger", str(sides / "b"), "--out", str(sides / "out")]
    assert main(["compare", *arguments, "--policy", str(sides / "policy.toml")]) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert f"line {line}" in shown
