"""Input that means harm: a sentence comes out, never a traceback, and never markup that renders as more than text."""

import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worlds import CONTRACT, POLICY, World, record, write_run

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
TAGS = {"details", "summary", "sub"}
WORLD = World(rows=60, seed=4)
FRAMES = [WORLD.frame(WORLD.score(skill, seed)) for skill, seed in ((1.0, 1), (1.4, 2))]
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


class Reader(HTMLParser):
    """Collects what a browser would act on."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes += attrs


def check_markdown(text: str) -> None:
    """Only the report's own tags and its one link; nothing that GitHub turns into a mention, reference or image."""
    markdown_it = pytest.importorskip("markdown_it", reason="markdown-it renders the report as GitHub's parser would")
    assert len(text) <= 60_000
    assert "<!--" not in text
    assert "watermark.png" not in text or 'cml.dev/watermark.png#0 "' not in text
    parser = markdown_it.MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    headings = []
    tokens = parser.parse(text)
    for place, token in enumerate(tokens):
        if token.type == "html_block":
            assert {tag.lower() for tag in re.findall(r"</?([a-zA-Z]+)", token.content)} <= TAGS
        if token.type == "heading_open":
            headings.append(tokens[place + 1].content)
        for child in token.children or []:
            assert child.type not in ("image", "s_open"), child
            if child.type == "html_inline":
                assert re.fullmatch(r"</?(details|summary|sub)>", child.content), child.content
            if child.type == "link_open":
                assert child.attrs["href"] == "docs/reading-a-report.md"
            if child.type == "text":
                assert not re.search(r"@\w|#\d|https?://|www\.|:\w+:|GH-\d", child.content), child.content
    assert all("heading" not in heading for heading in headings)


def check_html(text: str) -> None:
    """No script, no network, no handler."""
    reader = Reader()
    reader.feed(text)
    assert not reader.found & {"script", "iframe", "img", "link", "object", "embed", "form", "a", "base", "image"}
    for name, content in reader.attributes:
        assert not name.startswith("on"), name
        assert name not in ("src", "href", "xlink:href"), name
        assert "url(" not in (content or ""), content


def run(directory: Path, capsys: pytest.CaptureFixture[str], *extra: str) -> int:
    out = directory / "out"
    arguments = ["--champion", str(directory / "a"), "--challenger", str(directory / "b"), "--out", str(out)]
    code = main(["compare", *arguments, "--policy", str(directory / "policy.toml"), *extra])
    shown = capsys.readouterr()
    if code == 2:
        assert re.fullmatch(r"model-review: .+\n", shown.err), shown.err
        assert len(shown.err) < 1500
    else:
        assert shown.err == ""
        check_markdown((out / "report.md").read_text())
        check_html((out / "report.html").read_text())
        json.loads((out / "comparison.json").read_text(), parse_constant=lambda name: pytest.fail(name))
        judge = ["judge", "--comparison", str(out / "comparison.json"), "--policy", str(directory / "policy.toml")]
        assert main(judge) == code, capsys.readouterr().err  # what the engine writes, it reads
        capsys.readouterr()
    return code


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name, frame in zip("ab", FRAMES, strict=True):
        write_run(tmp_path / name, frame)
    (tmp_path / "policy.toml").write_text(POLICY)
    return tmp_path


FAST = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


def hostile(place: Path, capsys: pytest.CaptureFixture[str], data: st.DataObject) -> None:
    """One hostile run directory or policy, chosen by hypothesis."""
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
    run(place, capsys)


def write_frame(side: Path, frame: pd.DataFrame, csv: bool = False) -> None:
    (side / "predictions.parquet").unlink(missing_ok=True)
    if csv:
        frame.to_csv(side / "predictions.csv", index=False, errors="replace")
    else:
        text = frame.astype({name: str for name in frame.columns if frame[name].dtype == object})
        text.to_parquet(side / "predictions.parquet", index=False)


def reset(place: Path) -> None:
    for name, frame in zip("ab", FRAMES, strict=True):
        for old in (place / name).iterdir():
            old.unlink()
        write_run(place / name, frame)
    (place / "policy.toml").write_text(POLICY)


@settings(deadline=None, max_examples=60, suppress_health_check=FAST)
@given(data=st.data())
def test_hostile_input_gives_a_sentence(place: Path, capsys: pytest.CaptureFixture[str], data: st.DataObject) -> None:
    reset(place)
    hostile(place, capsys, data)


@pytest.mark.prove
@pytest.mark.parametrize("part", range(10))
@settings(deadline=None, max_examples=1000, suppress_health_check=FAST, database=None)
@given(data=st.data())
def test_ten_thousand_hostile_inputs_give_a_sentence(
    place: Path, capsys: pytest.CaptureFixture[str], part: int, data: st.DataObject
) -> None:
    """Ten parts of a thousand, each with a seed of its own, so that they can be run apart."""
    reset(place)
    hostile(place, capsys, data)


@pytest.mark.parametrize("name", EVIL)
def test_a_hostile_name_is_text_everywhere(place: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    base = record(target=name, features=[name, "paid_back"], params={name: name}, warnings=[name], commit=name)
    (place / "b" / "run.json").write_text(json.dumps(base))
    frame = FRAMES[1].copy()
    frame["slice:" + name] = np.where(np.arange(len(frame)) % 2, name, "other")
    write_frame(place / "b", pd.concat([frame, frame.assign(scenario="noise:" + name)]))
    assert run(place, capsys) in ((0, 1) if len(name) <= 1000 else (2,))


def test_a_link_out_of_the_run_is_not_followed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = place / "secret.parquet"
    (place / "b" / "predictions.parquet").rename(secret)
    (place / "b" / "predictions.parquet").symlink_to(secret)
    assert run(place, capsys) == 2


def test_a_pipe_is_not_read(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "b" / "run.json").unlink()
    os.mkfifo(place / "b" / "run.json")
    assert run(place, capsys) == 2


def test_a_file_beyond_its_cap_is_not_read(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (place / "b" / "run.json").open("wb") as stream:
        stream.truncate(2**33)
    assert run(place, capsys) == 2


def test_yaml_that_unfolds_without_end_is_a_sentence(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + k)}: &{chr(98 + k)} [*{chr(97 + k)}, *{chr(97 + k)}]\n" for k in range(20)
    )
    (place / "a" / "contract.yaml").write_text(bomb + "schema: *u\n")
    assert run(place, capsys) == 2


def test_a_huge_report_is_rendered_shorter_and_never_cut(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    long = [f"column number {k} with a rather long name {'x' * 100}" for k in range(3000)]
    base = record(features=long, params={name: name for name in long[:2000]}, warnings=long[:500])
    (place / "b" / "run.json").write_text(json.dumps(base))
    frame = pd.concat([FRAMES[1].assign(**{f"slice:{name}": name for name in long[:60]})])
    write_frame(place / "b", frame)
    assert run(place, capsys) in (0, 1)
    text = (place / "out" / "report.md").read_text()
    assert text.count("<details>") == text.count("</details>")
    assert text.rstrip().endswith("</sub>")


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
    place: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, line: int, said: str
) -> None:
    assert old in POLICY
    (place / "policy.toml").write_text(POLICY.replace(old, new, 1))
    arguments = ["--champion", str(place / "a"), "--challenger", str(place / "b"), "--out", str(place / "out")]
    assert main(["compare", *arguments, "--policy", str(place / "policy.toml")]) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert f"line {line}" in shown
