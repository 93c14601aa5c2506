"""Real cookiecutter runs: answers arrive unharmed, wrong ones are refused in one sentence and leave nothing."""

import gzip
import http.server
import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
import threading
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pandas as pd
import pytest
import yaml
from answers import FOLDERS, LIBRARIES
from bake import ROOT, bake, cookiecutter, replayed
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packed import BLOCK_BYTES
from reader import module
from tables import REFUSED, Refused, few, shops, to_text

ZEROS = "0" * 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an empty folder to generate in, with a table beside it."""
    (tmp_path / "shops.csv").write_text(to_text(shops(200)), encoding="utf-8")
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


TABLE = ("dataset=../shops.csv", "target=bought")


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (("project_name= ",), "project_name is empty"),
        (("project_slug=Term-Deposits",), "project_slug 'Term-Deposits' is no folder and package name"),
        (("project_slug=2024-churn",), "project_slug '2024-churn' is no folder"),
        (("project_slug=",), "project_slug '' is no folder"),
        (("project_slug=a/b",), "project_slug 'a/b' is no folder"),
        (("project_slug=../b",), "project_slug '../b' is no folder"),
        (("project_slug=..",), "project_slug '..' is no folder"),
        (("project_slug=/tmp/model-review-absolute",), "is no folder"),
        (("project_slug=lambda",), "'lambda', a Python keyword"),
        (("project_slug=json",), "'json', which hides the library"),
        (("project_slug=scikit-learn",), "'scikit_learn', which hides the library"),
        (("project_slug=tornado",), "'tornado', which hides the library"),
        (("project_slug=tests",), "'tests', a folder of the project"),
        (("task=ranking",), "task 'ranking' is not known: use one of auto, binary, multiclass, regression."),
        (("license=GPL",), "license 'GPL' is not offered"),
        (("python_version=2.7",), "python_version '2.7' is not supported"),
        (("github_owner=a b",), "github_owner 'a b'"),
        (("actions_repository=model-review",), "is not of the form owner/name"),
        (("registry=https://ghcr.io",), "is no host name"),
        (("deploy_to=docker",), "deploy_to 'docker' is not offered: use one of none, compose, kubernetes."),
        (("project_slug=deploy",), "'deploy', a folder of the project"),
        (("description=one\ntwo",), "single lines"),
        (("dataset=absent.csv", "target=y"), "absent.csv' does not exist"),
        (("dataset=.", "target=y"), "is a folder"),
        ((f"dataset={'x' * 300}", "target=y"), "cannot be read (File name too long)"),
        (("dataset=~no-such-user/t.csv", "target=y"), "begins with a user that this machine does not know"),
        (("dataset=s3://bucket/t.csv", "target=y"), "use a local path or an http(s) URL"),
        (("dataset=http://127.0.0.1:9/t.csv", "target=y"), "could not be fetched"),
        (("target=y",), "is given without a dataset"),
        (("dataset=../shops.csv",), "target is empty: name the column of shops.csv to predict, one of 'amount'"),
        (("dataset=../shops.csv", "target=brought"), "not a column of shops.csv: did you mean 'bought'?"),
        ((*TABLE, "task=regression"), "task=regression does not fit"),
        (("dataset=../shops.csv", "target=plan", "task=binary"), "has 4 values: use task=multiclass"),
        ((*TABLE, "task=multiclass"), "has 2 values: use task=binary"),
    ],
    ids=lambda value: " ".join(value).replace("/", "|") if isinstance(value, tuple) else "",
)
def test_wrong_answer_is_refused_with_one_sentence_and_nothing_is_left(
    folder: Path, answers: tuple[str, ...], words: str
) -> None:
    around = sorted(folder.parent.rglob("*"))
    done = cookiecutter(folder, *answers)
    assert done.returncode != 0
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("model-review: ")
    assert words in sentence
    assert "Traceback" not in done.stdout
    shutil.rmtree(folder.parent / "out-home")
    assert sorted(folder.parent.rglob("*")) == around
    assert not Path("/tmp/model-review-absolute").exists()


@pytest.mark.parametrize("refused", REFUSED[:3], ids=lambda refused: refused.name)
def test_refused_table_leaves_nothing(folder: Path, refused: Refused) -> None:
    (folder.parent / refused.file_name).write_bytes(refused.content)
    done = cookiecutter(folder, f"dataset=../{refused.file_name}", f"target={refused.target}")
    assert done.returncode != 0
    assert refused.words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(folder.iterdir())


def test_refusal_leaves_an_existing_project_as_it_was(folder: Path) -> None:
    project = bake(folder, *TABLE, "project_slug=shop-plan")
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    done = cookiecutter(
        folder, *TABLE, "task=regression", "project_slug=shop-plan", flags=("--no-input", "--overwrite-if-exists")
    )
    assert done.returncode != 0
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before


def test_every_library_of_the_generated_project_is_refused_as_a_package_name() -> None:
    text = (ROOT / "{{cookiecutter.project_slug}}" / "pyproject.toml").read_text(encoding="utf-8")
    named = {
        line.strip().split(">=")[0].strip('"').split("[")[0]
        for line in text.splitlines()
        if ">=" in line and line.startswith('    "')
    }
    assert len(named) > 10
    assert {name.replace("-", "_").partition(".")[0] for name in named} <= LIBRARIES  # ruamel.yaml lies in ruamel


def installed_with(requirements: list[str]) -> set[str]:
    """Return the names of the distributions that these bring along in this environment, themselves included."""
    found: set[str] = set()
    waiting = [(Requirement(line), "") for line in requirements]
    done = set()
    while waiting:
        requirement, wanted = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": wanted}):
            continue
        for extra in ("", *requirement.extras):
            if (requirement.name, extra) not in done:
                done.add((requirement.name, extra))
                distribution = importlib.metadata.distribution(requirement.name)
                found.add(canonicalize_name(distribution.name))
                waiting += [(Requirement(line), extra) for line in distribution.requires or []]
    return found


def test_no_package_hides_a_module_that_the_generated_project_installs() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    brought = installed_with(groups["project"])
    assert {"tornado", "schema", "huey", "gitpython"} <= brought
    modules = {
        module
        for module, distributions in importlib.metadata.packages_distributions().items()
        if brought & {canonicalize_name(name) for name in distributions}
    }
    possible = {name for name in modules if re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)}
    by_accident = {"example"}  # of a library that ships its examples; nothing imports them
    assert possible - LIBRARIES - FOLDERS - by_accident - sys.stdlib_module_names == set()


HOSTILE = """It's "quoted" \\n {curly} {{% raw %}} ''' \"\"\" #1: ünï & <b>"""


def test_quotes_backslashes_and_braces_in_answers_arrive_unharmed(folder: Path) -> None:
    typed = [HOSTILE, "shop-plan", HOSTILE, HOSTILE, "octo-cat", *(answer.partition("=")[2] for answer in TABLE)]
    typed += ["auto", "MIT", "3.12", "o/r", "ghcr.io", "compose"]
    done = cookiecutter(folder, input="\n".join(typed) + "\n", flags=())
    assert done.returncode == 0, done.stdout + done.stderr
    project = folder / "shop-plan"
    contract = yaml.safe_load((project / "contract.yaml").read_text(encoding="utf-8"))
    assert contract["name"] == HOSTILE
    assert contract["description"]["purpose"] == HOSTILE
    pyproject = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    assert pyproject["project"]["authors"] == [{"name": HOSTILE}]
    assert pyproject["tool"]["model-review"]["actions"] == "o/r"
    card = yaml.safe_load((project / "model-card.yaml").read_text(encoding="utf-8"))["details"]
    assert (card["name"], card["description"], card["developers"]) == (HOSTILE, HOSTILE, HOSTILE)
    assert (project / "deploy/compose/compose.yaml").is_file()


def test_questions_have_human_wording_and_none_is_private() -> None:
    questions = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
    asked = {name for name in questions if not name.startswith("_")}
    assert asked == set(questions["__prompts__"])


def test_generated_folder_holds_the_table_the_contracts_and_nothing_hidden_of_ours(folder: Path) -> None:
    project = bake(folder, *TABLE, "project_name=Shop plan")
    assert project.name == "shop-plan"
    assert (project / "data" / "shops.csv").read_bytes() == (folder.parent / "shops.csv").read_bytes()
    for name in ("contract.yaml", "params.yaml", "model-review.toml", "tests/example-request.json"):
        assert (project / name).is_file()
    assert not (project / ".inferred").exists()
    assert not (project / "customers.csv").exists()
    assert (project / "src" / "shop_plan").is_dir()
    caches = [path for path in project.rglob("*") if path.name in ("__pycache__", ".ruff_cache", ".mypy_cache")]
    assert not caches


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("my shops (1).csv", "my-shops-1.csv"),
        ("größe & co.txt", "gr-e-co.txt"),
        ("shops", "shops.csv"),
        ("shops.dat", "shops.dat.csv"),
        (".csv", "csv.csv"),
        ("Shops.CSV", "Shops.CSV"),
    ],
)
def test_stored_file_has_a_name_that_every_shell_takes(folder: Path, name: str, stored: str) -> None:
    shutil.copyfile(folder.parent / "shops.csv", folder.parent / name)
    project = bake(folder, f"dataset=../{name}", "target=bought")
    assert [path.name for path in (project / "data").iterdir()] == [stored]


def test_git_starts_on_main_with_nothing_committed(folder: Path) -> None:
    project = bake(folder, *TABLE)
    head = (project / ".git" / "HEAD").read_text(encoding="utf-8")
    assert head == "ref: refs/heads/main\n"
    assert not list((project / ".git" / "refs" / "heads").iterdir())


def test_project_is_generated_without_git(folder: Path) -> None:
    done = cookiecutter(folder, *TABLE, "project_slug=plain", PATH=str(folder))
    assert done.returncode == 0, done.stderr
    assert not (folder / "plain" / ".git").exists()


def test_summary_and_next_steps_fit_on_a_screen(folder: Path) -> None:
    done = cookiecutter(folder, *TABLE, "project_slug=plain")
    lines = done.stdout.splitlines()
    assert lines[0] == "shops.csv: 200 rows, 5 columns (comma, utf-8)"
    assert "  cd plain" in lines
    assert len(lines) <= 26


def clone(folder: Path) -> Path:
    """Return a clean clone of this template as it stands, with an origin on GitHub."""
    copy = folder.parent / "template"
    ignored = shutil.ignore_patterns(
        ".git", ".venv", ".uv", ".demo", ".bench", "__pycache__", ".*_cache", ".hypothesis"
    )
    shutil.copytree(ROOT, copy, ignore=ignored)

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(copy), "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "--quiet")
    git("add", "--all")
    git("commit", "--quiet", "--message", "template")
    git("remote", "add", "origin", "git@github.com:octo-org/model-review-fork.git")
    return copy


def test_actions_are_pinned_to_the_commit_and_origin_of_a_clean_clone(folder: Path) -> None:
    template = clone(folder)
    workflows = template / "{{cookiecutter.project_slug}}" / ".github" / "workflows"
    workflows.mkdir(parents=True, exist_ok=True)
    uses = f"      - uses: model-review/model-review/.github/actions/train@{ZEROS}\n"
    (workflows / "probe.yml").write_text(uses, encoding="utf-8")
    environment = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a",
    }
    for command in (["add", "--all"], ["commit", "--quiet", "--message", "probe"]):
        subprocess.run(["git", "-C", str(template), *command], check=True, env=environment)
    commit = subprocess.run(
        ["git", "-C", str(template), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    done = cookiecutter(folder, *TABLE, "project_slug=pinned", template=template)
    assert done.returncode == 0, done.stderr
    settings = tomllib.loads((folder / "pinned" / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["model-review"]
    assert settings["actions"] == "octo-org/model-review-fork"
    assert settings["actions-commit"] == commit
    probe = (folder / "pinned" / ".github" / "workflows" / "probe.yml").read_text(encoding="utf-8")
    assert probe == f"      - uses: octo-org/model-review-fork/.github/actions/train@{commit}\n"
    assert done.stdout.splitlines()[-1] == "  uv run train"


def test_unclean_clone_leaves_zeros_and_the_command_that_sets_them(folder: Path) -> None:
    template = clone(folder)
    (template / "README.md").write_text("changed\n", encoding="utf-8")
    done = cookiecutter(folder, *TABLE, "project_slug=unpinned", template=template)
    assert done.returncode == 0, done.stderr
    project = folder / "unpinned"
    assert ZEROS in (project / "pyproject.toml").read_text(encoding="utf-8")
    command = done.stdout.splitlines()[-1].partition("run: ")[2]
    # The published repository is out of reach here: any commit in its place.
    stand_in = command.replace("git ls-remote https://github.com/octo-org/model-review-fork HEAD", f"echo {'a1' * 20}")
    assert stand_in != command
    subprocess.run(stand_in, shell=True, cwd=project, check=True)
    settings = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["model-review"]
    assert settings["actions-commit"] == "a1" * 20


def test_template_named_by_a_relative_path_from_another_folder(folder: Path) -> None:
    template = clone(folder)
    done = cookiecutter(folder, *TABLE, "project_slug=relative", template="../template")
    assert done.returncode == 0, done.stderr
    answers = replayed(folder)
    assert answers["__template_root"] == str(template)
    assert answers["__caller_folder"] == str(folder)


def test_output_elsewhere_keeps_the_data_set_relative_to_the_caller(folder: Path) -> None:
    (folder / "other").mkdir()
    done = cookiecutter(folder, *TABLE, "project_slug=there", flags=("--no-input", "--output-dir", "other"))
    assert done.returncode == 0, done.stderr
    assert (folder / "other" / "there" / "data" / "shops.csv").is_file()


@pytest.fixture
def server(folder: Path) -> Iterator[str]:
    """Serve the folder beside on loopback."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    def handler(*arguments: object) -> Quiet:
        return Quiet(*arguments, directory=str(folder.parent))  # type: ignore[arg-type]

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:  # type: ignore[arg-type]
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_table_behind_a_url_is_downloaded(folder: Path, server: str) -> None:
    project = bake(folder, f"dataset={server}/shops.csv?raw=1", "target=bought")
    assert (project / "data" / "shops.csv").read_bytes() == (folder.parent / "shops.csv").read_bytes()


def pack(target: Path, name: str, content: bytes, packed: str) -> None:
    """Write a gzip file, or a zip archive of one file of that name."""
    if packed == "gz":
        target.write_bytes(gzip.compress(content))
    else:
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr(name, content)


@pytest.mark.parametrize("packed", ["gz", "ZIP"])
def test_packed_parquet_is_stored_unpacked_because_no_reader_takes_it_otherwise(folder: Path, packed: str) -> None:
    pd.read_csv(folder.parent / "shops.csv").to_parquet(folder.parent / "Shops.PARQUET")
    content = (folder.parent / "Shops.PARQUET").read_bytes()
    source = folder.parent / f"Shops.PARQUET.{packed}"
    pack(source, "Shops.PARQUET", content, packed)
    project = bake(folder, f"dataset={source}", "target=bought")
    assert (project / "data" / "Shops.parquet").read_bytes() == content
    settings, rows = module("settings"), module("rows")
    contract, params = settings.load(project)
    assert len(rows.load(project / contract.path, contract, params["split"]).rows) == 200


def test_a_table_too_large_for_plain_git_is_stored_with_a_line_that_says_so(folder: Path) -> None:
    """A gap in the archive makes it large: of a sparse file, little is on the disk."""
    with zipfile.ZipFile(folder.parent / "large.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder.parent / "shops.csv", "shops.csv")
        archive.start_dir = 96_000_000
    done = cookiecutter(folder, "dataset=../large.zip", "target=bought", "project_slug=large")
    assert done.returncode == 0, done.stderr
    assert "data/large.csv.zip has 96 MB, too much for plain git: use Git LFS or DVC for it" in done.stdout
    assert (folder / "large" / "data" / "large.csv.zip").stat().st_size > 95_000_000
    small = cookiecutter(folder, *TABLE, "project_slug=small")
    assert "plain git" not in small.stdout


@pytest.mark.parametrize("packed", ["gz", "zip"])
def test_parquet_that_a_server_packs_under_its_own_name_is_unpacked_beside_the_download(
    folder: Path, server: str, packed: str
) -> None:
    """Rows that do not pack well make it longer than one block, so that reading goes on after writing began."""
    numbers = Random(0)
    rows = 200_000
    frame = pd.DataFrame({"x": [numbers.random() for _ in range(rows)], "y": ["u", "v"] * (rows // 2)})
    content = frame.to_parquet()
    assert len(content) > BLOCK_BYTES
    source = folder.parent / "numbers.parquet"
    pack(source, "numbers.parquet", content, packed)
    project = bake(folder, f"dataset={server}/numbers.parquet", "target=y")
    assert [path.name for path in (project / "data").iterdir()] == ["numbers.parquet"]
    assert (project / "data" / "numbers.parquet").read_bytes() == content


def test_url_without_a_table_is_refused_with_its_answer(folder: Path, server: str) -> None:
    done = cookiecutter(folder, f"dataset={server}/none.csv", "target=bought")
    assert "was answered with 404" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(folder.iterdir())


def test_parquet_without_pyarrow_names_the_command_that_reads_it(folder: Path) -> None:
    """A venv without site packages but cookiecutter's own stands in for `uvx cookiecutter`."""
    (folder.parent / "blocked").mkdir()
    (folder.parent / "blocked" / "pyarrow.py").write_text("raise ImportError\n", encoding="utf-8")
    (folder.parent / "t.parquet").write_bytes(b"PAR1" + few(10) + b"PAR1")
    done = cookiecutter(folder, "dataset=../t.parquet", "target=y", PYTHONPATH=str(folder.parent / "blocked"))
    assert "uvx --with pyarrow cookiecutter" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_hooks_need_nothing_but_the_standard_library(folder: Path) -> None:
    modules = ["prompt", "infer", "finish"]
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); "
        f"import {', '.join(name for name in modules if name != 'prompt')}; "
        "outside = {name.partition('.')[0] for name, module in sys.modules.items() "
        "if getattr(module, '__file__', None) and 'site-packages' in module.__file__}; print(sorted(outside))"
    )
    command = [sys.executable, "-S", "-c", code, str(ROOT / "hooks")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
