"""What lies in the user's workspace, or what an earlier step set, changes nothing of the engine."""

import os
import re
import shutil
import subprocess
import time
import zipfile
from pathlib import Path

import pytest
from repositories import ROOT, commit, engine, git, outputs

pytestmark = pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not on the PATH")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A checkout."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    git(folder, "init", "--quiet")
    commit(folder, params_dot_yaml="seed: 0\n")
    return folder


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """RUNNER_TEMP of a fresh runner."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """RUNNER_TEMP in which the engine is installed."""
    scratch, folder = tmp_path_factory.mktemp("ready"), tmp_path_factory.mktemp("repository")
    git(folder, "init", "--quiet")
    commit(folder, params_dot_yaml="seed: 0\n")
    done = engine(folder, scratch, "key")
    assert done.returncode == 0, done.stderr
    return scratch


SHADOWS = ("jinja2.py", "yaml.py", "pydantic.py", "numpy.py", "sitecustomize.py", "usercustomize.py")


def plant(folder: Path) -> None:
    """Modules that would be imported in place of the engine's, and a marker for when they are."""
    code = f"open({str(folder / 'IMPORTED')!r}, 'w')\nraise SystemExit('planted')\n"
    for name in SHADOWS:
        (folder / name).write_text(code, encoding="utf-8")
    (folder / "model_review").mkdir()
    (folder / "model_review/__init__.py").write_text(code, encoding="utf-8")


def same_as_clean(workspace: Path, ready: Path, scratch: Path, **variables: str) -> None:
    """Compare with what an untouched runner says: first with the engine yet to be installed, then with it ready."""
    clean = engine(workspace, ready, "key").stdout
    assert len(clean.strip()) == 64
    for place in (scratch, ready):
        done = engine(workspace, place, "key", **variables)
        assert (done.returncode, done.stdout) == (0, clean), done.stderr
    assert not (workspace / "IMPORTED").exists()


def imports_its_own(workspace: Path, ready: Path, **variables: str) -> None:
    """This verb imports jinja2, numpy and all others before it looks for the runs."""
    arguments = ("compare", "--champion", "none", "--challenger", "absent", "--policy", "p", "--out", "o")
    done = engine(workspace, ready, *arguments, **variables)
    assert done.returncode == 2
    assert done.stderr == "model-review: absent is not a directory; name a run directory.\n"
    assert not (workspace / "IMPORTED").exists()


def test_planted_modules_are_not_imported(workspace: Path, ready: Path, scratch: Path) -> None:
    plant(workspace)
    same_as_clean(workspace, ready, scratch)
    imports_its_own(workspace, ready)


def test_pythonpath_is_cleared(workspace: Path, ready: Path, scratch: Path) -> None:
    plant(workspace)
    planted = {"PYTHONPATH": str(workspace), "PYTHONHOME": str(workspace)}
    same_as_clean(workspace, ready, scratch, **planted)
    imports_its_own(workspace, ready, **planted)


# The first three broke or moved the environment when this was tried; the others would change what is installed.
VARIABLES = [
    {"UV_PYTHON": "2.7"},
    {"UV_NO_SYNC": "1"},
    {"UV_PROJECT_ENVIRONMENT": "inside"},
    {"UV_CONFIG_FILE": "uv.toml"},
    {"UV_EXCLUDE_NEWER": "2001-01-01T00:00:00Z", "UV_RESOLUTION": "lowest", "UV_NO_BUILD": "1"},
    {"UV_CONSTRAINT": "planted.txt", "UV_OVERRIDE": "planted.txt", "UV_SYSTEM_PYTHON": "1", "UV_TARGET": "inside"},
]


@pytest.mark.parametrize("planted", VARIABLES, ids=lambda planted: "+".join(planted))
def test_variables_of_uv_are_cleared(workspace: Path, ready: Path, scratch: Path, planted: dict[str, str]) -> None:
    (workspace / "planted.txt").write_text("jinja2==2.0\n", encoding="utf-8")
    (workspace / "uv.toml").write_text("no-such-setting = true\n", encoding="utf-8")
    same_as_clean(workspace, ready, scratch, **planted)
    assert not (workspace / "inside").exists()


def plant_index(folder: Path) -> str:
    """An index with a package under a name and version that the engine's lock has; the index's address."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    (version,) = re.findall(r"^jinja2==(\S+)", lock, re.MULTILINE)
    page = folder / "index/jinja2"
    page.mkdir(parents=True)
    wheel, about = f"jinja2-{version}-py3-none-any.whl", f"jinja2-{version}.dist-info"
    code = f"open({str(folder / 'IMPORTED')!r}, 'w')\nraise SystemExit('planted')\n"
    with zipfile.ZipFile(page / wheel, "w") as packed:
        packed.writestr("jinja2/__init__.py", code)
        packed.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: jinja2\nVersion: {version}\n")
        packed.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        packed.writestr(f"{about}/RECORD", "")
    (page / "index.html").write_text(f'<a href="{wheel}">{wheel}</a>\n', encoding="utf-8")
    return page.parent.as_uri()


# Indexes stay as an earlier step set them: they say where files come from, and hashes say which files these are.
@pytest.mark.parametrize("name", ["UV_INDEX", "UV_EXTRA_INDEX_URL"])
def test_an_index_that_an_earlier_step_set_installs_nothing_but_what_the_lock_names(
    workspace: Path, scratch: Path, name: str
) -> None:
    done = engine(workspace, scratch, "key", **{name: plant_index(workspace)})
    assert done.returncode != 0
    assert "Hash mismatch for `jinja2" in done.stderr
    assert not (scratch / "model-review/engine/ready").exists()
    assert not (workspace / "IMPORTED").exists()


def test_settings_and_python_version_of_the_workspace_are_not_read(workspace: Path, ready: Path, scratch: Path) -> None:
    (workspace / ".python-version").write_text("2.7\n", encoding="utf-8")
    (workspace / "uv.toml").write_text("no-such-setting = true\n", encoding="utf-8")
    (workspace / "pyproject.toml").write_text("[tool.uv]\nmanaged = 'nonsense'\n", encoding="utf-8")
    same_as_clean(workspace, ready, scratch)


def test_an_active_environment_is_not_used(workspace: Path, ready: Path, scratch: Path) -> None:
    (workspace / ".venv/bin").mkdir(parents=True)
    same_as_clean(workspace, ready, scratch, VIRTUAL_ENV=str(workspace / ".venv"))


def test_a_python_on_the_path_that_reads_python_version_is_not_asked(
    workspace: Path, ready: Path, scratch: Path
) -> None:
    shim = workspace / "shims/python3"
    shim.parent.mkdir()
    shim.write_text("#!/bin/sh\n[ -f .python-version ] && exit 1\nexec /usr/bin/env -S false\n", encoding="utf-8")
    shim.chmod(0o755)
    (workspace / ".python-version").write_text("2.7\n", encoding="utf-8")
    same_as_clean(workspace, ready, scratch, PATH=f"{os.environ['PATH']}:{shim.parent}")


def test_nothing_is_written_into_the_workspace(workspace: Path, scratch: Path) -> None:
    before = sorted(path for path in workspace.rglob("*") if ".git" not in path.parts)
    assert engine(workspace, scratch, "key").returncode == 0
    assert sorted(path for path in workspace.rglob("*") if ".git" not in path.parts) == before


def test_without_uv_one_line_says_what_to_do(workspace: Path, scratch: Path) -> None:
    tools = scratch / "tools"
    tools.mkdir()
    for name in ("bash", "grep", "dirname", "env"):
        (tools / name).symlink_to(str(shutil.which(name)))
    done = engine(workspace, scratch, "key", PATH=str(tools))
    assert done.returncode == 2
    assert done.stderr.strip() == "::error::uv is not on the PATH; run the setup action or astral-sh/setup-uv first"


def test_an_output_cannot_end_itself(workspace: Path, ready: Path) -> None:
    (ready / "outputs").unlink(missing_ok=True)
    done = engine(workspace, ready, "key")
    text = (ready / "outputs").read_text(encoding="utf-8")
    engine(workspace, ready, "key")
    again = (ready / "outputs").read_text(encoding="utf-8").removeprefix(text)
    assert outputs(ready) == {"key": done.stdout.strip()}
    assert text.splitlines()[0] != again.splitlines()[0]  # the delimiter is another one each time


@pytest.mark.parametrize(
    ("module", "absent"),
    [("looks", "numpy scipy pandas pyarrow PIL jinja2"), ("forge.verb", "pandas pyarrow PIL jinja2")],
    ids=["ledger", "comment"],
)
def test_a_job_that_may_write_loads_no_more_than_it_needs(ready: Path, module: str, absent: str) -> None:
    python = ready / "model-review/engine/bin/python"
    code = f"import sys, model_review.{module}; print(*(set({absent.split()}) & set(sys.modules)))"
    done = subprocess.run([str(python), "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_it_starts_quickly(workspace: Path, ready: Path, scratch: Path) -> None:
    times = []
    for _ in range(4):
        started = time.perf_counter()
        assert engine(workspace, scratch, "key").returncode == 0
        times.append(time.perf_counter() - started)
    print(f"cold {times[0]:.2f} s, warm {min(times[1:]):.2f} s")
    # Issue: 15 and 1 second on an idle machine of two cores; tests share theirs.
    assert times[0] < 45
    assert min(times[1:]) < 3
