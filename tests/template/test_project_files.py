"""The rendered files: whole, valid, formatted, and small, whatever the answers were."""

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from bake import ROOT, bake

ANSWERS = {
    "defaults": [],
    "a short name": ["project_slug=a"],
    "a long name": ["project_slug=the-customers-that-will-leave-us-within-the-next-ninety-days"],
    "quotes, backslashes and braces": [
        r'description=Say "hi" \ to \n {braces} and \'quotes\'',
        'author_name=O"Neil \\ Söhne',
    ],
    "MIT": ["license=MIT"],
    "BSD-3-Clause": ["license=BSD-3-Clause"],
    "Proprietary": ["license=Proprietary"],
    "Python 3.13": ["python_version=3.13"],
    "another owner and registry": [
        "github_owner=Acme",
        "registry=registry.example.org",
        "actions_repository=acme/reviews",
    ],
    "on one machine": ["deploy_to=compose", "project_slug=term_deposits", "registry=localhost:5000/team"],
    "on Kubernetes": [
        "deploy_to=kubernetes",
        "project_slug=the_customers-that_will-leave-us-within-the-next-ninety-days",
    ],
}


@pytest.fixture(scope="module", params=ANSWERS.values(), ids=ANSWERS.keys())
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bake(tmp_path_factory.mktemp("baked"), *request.param)


def text_files(project: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(project.rglob("*")):
        if path.is_file() and not {".git", "data", ".mypy_cache"} & set(path.relative_to(project).parts):
            yield path, path.read_text(encoding="utf-8")


def tool(project: Path, *command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=project,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_brace_is_left_unrendered(project: Path) -> None:
    for path, text in text_files(project):
        in_workflow = ".github/workflows" in path.as_posix()
        assert in_workflow or ("{{" not in text and "{%" not in text), path
        assert "cookiecutter" not in text, path


def test_every_yaml_toml_and_json_file_is_valid(project: Path) -> None:
    readers = {".yaml": yaml.safe_load, ".yml": yaml.safe_load, ".toml": tomllib.loads, ".json": json.loads}
    read = [readers[path.suffix](text) for path, text in text_files(project) if path.suffix in readers]
    assert len(read) >= 9


def test_formatting_is_a_no_op_and_the_linter_has_nothing_to_say(project: Path) -> None:
    tool(project, "ruff", "format", "--no-cache", "--check", ".")
    tool(project, "ruff", "check", "--no-cache", ".")


def test_files_end_with_one_newline_and_no_line_ends_in_space(project: Path) -> None:
    for path, text in text_files(project):
        if text:
            assert text.endswith("\n"), path
            assert not text.endswith("\n\n"), path
        assert not [line for line in text.splitlines() if line != line.rstrip()], path


def test_the_answers_are_in_the_files(tmp_path: Path) -> None:
    project = bake(
        tmp_path, "project_name=Term deposits", "github_owner=Acme", 'author_name=O"Neil', "registry=ghcr.io",
        "python_version=3.12", "license=MIT", "description=Who\\what",
    )  # fmt: skip
    settings = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    assert settings["project"]["name"] == project.name == "term-deposits"
    assert settings["project"]["authors"] == [{"name": 'O"Neil'}]
    assert settings["project"]["description"] == "Who\\what"
    assert settings["tool"]["model-review"]["image"] == "ghcr.io/acme/term-deposits"
    assert (project / ".python-version").read_text() == "3.12\n"
    assert "@Acme" in (project / ".github/CODEOWNERS").read_text()
    recipe = (project / "Dockerfile").read_text()
    assert re.search(r"^FROM python:3\.12-slim@sha256:[0-9a-f]{64} AS base$", recipe, re.MULTILINE)
    assert 'image.source="https://github.com/Acme/term-deposits"' in recipe
    assert 'image.licenses="MIT"' in recipe
    assert (project / "LICENSE").read_text().startswith("MIT License")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bake(tmp_path_factory.mktemp("plain"))


def test_types_are_right(plain: Path) -> None:
    tool(plain, "mypy", "--no-incremental")


def test_workflows_are_safe_and_valid(plain: Path) -> None:
    workflows = sorted(str(path) for path in (plain / ".github/workflows").iterdir())
    zizmor = shutil.which("zizmor", path=str(Path(sys.executable).parent))
    assert zizmor, "zizmor is part of the environment of these tests"
    done = subprocess.run(
        [zizmor, "--offline", "--pedantic", "."], cwd=plain, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for schema in ("vendor.github-workflows", "custom.github-workflows-require-timeout"):
        tool(plain, "check_jsonschema", "--builtin-schema", schema, *workflows)
    tool(plain, "check_jsonschema", "--builtin-schema", "vendor.dependabot", ".github/dependabot.yml")


def test_the_project_is_its_users(plain: Path) -> None:
    """Nothing of ours is imported, and each file is read in one sitting."""
    training = serving = 0
    for path in sorted((plain / "src").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert "model_review" not in text, path
        assert len(text.splitlines()) <= 180, path
        if "serving" in path.parts or path.name in ("service.py", "export.py", "artifact.py", "moments.py"):
            serving += code_lines(text)
        else:
            training += code_lines(text)
    assert serving <= 926
    assert training <= 900


def code_lines(text: str) -> int:
    """Lines that are neither blank, nor comment, nor docstring, nor import."""
    described = (ast.Module, ast.ClassDef, ast.FunctionDef)
    words: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            words |= set(range(node.lineno, (node.end_lineno or 0) + 1))
        if isinstance(node, described) and ast.get_docstring(node) is not None:
            words |= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    lines = enumerate(text.splitlines(), start=1)
    return sum(
        bool(line.strip()) and not line.strip().startswith("#") and number not in words for number, line in lines
    )


def test_the_readme_names_every_file_and_command(plain: Path) -> None:
    readme = (plain / "README.md").read_text(encoding="utf-8")
    for path, _ in text_files(plain):
        if path.suffix == ".py" and "tests" not in path.parts and path.name != "__init__.py":
            assert path.name in readme, path
    for command in tomllib.loads((plain / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]:
        assert f"uv run {command}" in readme
    assert (ROOT / "docs/contract.md").exists()
