"""The two commands of the README work from a fresh clone, in the time that they promise on 2 cores."""

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
COLD_SECONDS = 480
WARM_SECONDS = 240
CONTAINER_TOOLS = ("buildah", "crun", "debootstrap", "docker", "podman", "runc", "skopeo")


def fresh_clone(folder: Path) -> Path:
    """This repository's last commit."""
    subprocess.run(["git", "-c", "safe.directory=*", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    return folder


def make_demo(clone: Path, variables: dict[str, str]) -> tuple[str, float]:
    """Run `make demo`; return what it printed and the seconds."""
    own = os.environ | {"MAKEFLAGS": ""} | variables
    started = time.monotonic()
    done = subprocess.run(
        ["make", "demo"], cwd=clone, env=own, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, time.monotonic() - started


def processes_of(folder: Path) -> list[str]:
    """Processes that still work in a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cwd"):
        try:
            where = entry.readlink()
        except OSError:
            continue
        if where.is_relative_to(folder):
            found.append(entry.parent.name)
    return found


def check_releases(clone: Path, printed: str) -> None:
    """Released, merged and released, taken back, released again; each time production answered with its own model."""
    went = re.findall(r"^ {6}\S+Z  (\w+) +(sha256:\w+)  ", printed, re.MULTILINE)
    first, second = went[0][1], went[1][1]
    assert first != second
    assert went == [("promote", first), ("promote", second), ("rollback", first), ("promote", second)]
    answers = re.findall(r"^ {4}answers +(\{.*\}) \(model (sha256:\w+)\)$", printed, re.MULTILINE)
    assert len(answers) == 3
    assert answers[0] == answers[2] != answers[1]
    verdicts = re.findall(r"^ {4}verdict +(\w+): ", printed, re.MULTILINE)
    assert verdicts == ["promote", "promote"]
    if "no container: " not in printed:  # bentos are released without the workflow, which says this
        numbers = re.findall(r"^ {4}numbers +(.*)$", printed, re.MULTILINE)
        assert numbers[0] == "No pull request belongs to this commit, so no numbers were claimed."
        assert re.fullmatch(r"The numbers of pull request 1 reproduced: (identical|within tolerance.*)\.", numbers[1])
    for folder in re.findall(r"^ {4}documents  in (\S+): ", printed, re.MULTILINE):
        assert (clone / folder / "verdict.json").is_file()


def check_readme(clone: Path) -> None:
    """The README shows how the first pull request's comment begins; numbers may differ from machine to machine."""
    readme = (clone / "README.md").read_text(encoding="utf-8")
    shown = "\n".join(line[2:] for line in readme.splitlines() if line.startswith(">"))
    shown = shown[shown.index("## ") :].strip()
    comment = (clone / ".demo/reports/more-trees.md").read_text(encoding="utf-8")
    began = comment[comment.index("## ") : comment.index("<details>")].strip()
    assert drawn(shown) == drawn(began)


def drawn(text: str) -> str:
    """Without digits, the places of the signs on the interval's line, and what keeps an interval on one line."""
    lines = ["".join(sorted(set(line))) if line.startswith("·") else line for line in text.splitlines()]
    return re.sub(r"[-+]?\d[\d.,]*", "0", "\n".join(lines)).replace("\N{NO-BREAK SPACE}", " ")


def scratch_folders() -> set[Path]:
    """What releases leave in the temporary folder while they run."""
    return set(Path("/tmp").glob("model-review-demo-*"))


@pytest.mark.prove
def test_demo_from_a_fresh_clone_is_quick_cold_and_quicker_warm_and_leaves_nothing_behind(tmp_path: Path) -> None:
    clone, home = tmp_path / "clone", tmp_path / "home"
    home.mkdir()
    fresh_clone(clone)
    own = {"HOME": str(home), "UV_CACHE_DIR": str(home / "uv")}

    scratch = scratch_folders()
    printed, cold = make_demo(clone, own)
    print(printed, f"cold: {cold:.0f} s")
    for promised in ("Metrics on", "roc_auc", "Prediction:", "The project is in .demo/customer-churn"):
        assert promised in printed
    verdicts = re.findall(r"Pull request (\d): .*\n-+\n\S+ (\w+)\n", printed)
    assert verdicts == [("1", "PROMOTE"), ("2", "REJECT"), ("3", "REJECT")]
    checked = re.findall(r"^The check \((.+)\) (passed|failed)", printed, re.MULTILINE)
    assert checked == [("quality and model", "passed"), ("model", "failed"), ("model", "failed")]
    pages = re.findall(r"\.demo/reports/\S+", printed)
    assert sorted(Path(page).suffix for page in pages) == [".html"] * 3 + [".md"] * 3
    assert all((clone / page).is_file() for page in pages)
    check_releases(clone, printed)
    check_readme(clone)

    printed, warm = make_demo(clone, own)
    print(printed, f"warm: {warm:.0f} s")
    assert (clone / ".demo/customer-churn.previous/contract.yaml").is_file()
    check_releases(clone, printed)

    assert scratch_folders() <= scratch
    assert processes_of(clone) == []
    changed = subprocess.run(
        ["git", "-C", str(clone), "status", "--porcelain"], capture_output=True, text=True, check=True
    )
    assert changed.stdout == ""
    assert sorted(path.name for path in home.iterdir()) in (["uv"], [".cache", "uv"])

    busy = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    assert cold < COLD_SECONDS, busy
    assert warm < WARM_SECONDS, busy


@pytest.mark.prove
def test_demo_without_container_tools_releases_bentos_and_says_what_was_not_done(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    folders = [Path(one) for one in os.environ["PATH"].split(os.pathsep)]
    for folder in folders:
        if not folder.is_dir() or folder.is_relative_to(ROOT):  # the clone brings its own environment
            continue
        for program in folder.iterdir():
            if not program.name.startswith(CONTAINER_TOOLS) and not (programs / program.name).is_symlink():
                (programs / program.name).symlink_to(program)
    clone = fresh_clone(tmp_path / "clone")
    printed, _ = make_demo(clone, {"PATH": str(programs)})
    print(printed)
    assert (
        "no container: buildah and podman and skopeo are not installed (apt install buildah podman skopeo)" in printed
    )
    assert "Not done: " in printed
    assert "the registry on this machine is the demo's own small one" in printed
    check_releases(clone, printed)
    assert processes_of(clone) == []
