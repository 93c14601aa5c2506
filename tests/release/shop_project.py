"""The small project that the tests of releases merge and release: the contract's files without any library."""

import shutil
import subprocess
from pathlib import Path

from probed import CONTRACT, write_run
from repositories import ROOT, git

TEMPLATE = ROOT / "{{cookiecutter.project_slug}}/.github/workflows"
POLICY = """schema = "model-review/policy@1"
[objective]
metric = "roc_auc"
[[floor]]
metric = "roc_auc"
min = 0.5
"""
PROJECT = """[project]
name = "shop"
version = "0.1.0"
requires-python = ">=3.11"
[project.scripts]
train = "shop:train"
evaluate = "shop:evaluate"
[dependency-groups]
train = []
[build-system]
requires = ["uv_build>=0.13,<0.14"]
build-backend = "uv_build"
[tool.model-review]
image = "%s"
"""
# Training copies a run that was made before; `skill` in params.yaml says which one.
CODE = '''
"""A model that was trained elsewhere."""

import json, os, shutil, subprocess, sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def train() -> None:
    skill = (ROOT / "params.yaml").read_text().split()[1]
    shutil.copytree(ROOT / "data" / skill, ROOT / "run")
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    record = json.loads((ROOT / "run/run.json").read_text()) | {"commit": head.stdout.strip()}
    if uri := os.environ.get("MLFLOW_TRACKING_URI"):
        record["tracking"] = {"run_id": skill, "uri": uri}
    (ROOT / "run/run.json").write_text(json.dumps(record))


def evaluate() -> None:
    given = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
    shutil.copytree(Path(given["--model"]).parent, given["--out"])
'''
PACKAGE = {
    "name": "Package",
    "description": "A stub that builds a tiny image.",
    "outputs": {
        name: {"description": name, "value": f"${{{{ steps.stub.outputs.{name} }}}}"} for name in ("image", "builder")
    },
    "runs": {
        "using": "composite",
        "steps": [{"id": "stub", "shell": "bash", "run": 'bash "$GITHUB_ACTION_PATH/package.sh"'}],
    },
}
PACKAGE_SCRIPT = """set -euo pipefail
engine="$GITHUB_ACTION_PATH/../setup/engine.sh"
image=$IMAGE_NAME:$(git rev-parse HEAD)
bash "$engine" labels --run run > "$STORE/labels"
echo 'numpy==2.4.6 --hash=sha256:%s' > requirements.serve.txt
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
bash "$engine" probe --run run --out "$RUNNER_TEMP/model-review/probe.json" --url "http://127.0.0.1:$port" \\
  --seconds 0.5 --wait "${STUB_WAIT:-60}" --start "$STUB_SERVICE $port $PWD/run"
printf 'image=%%s\\nbuilder=buildah\\n' "$image" >> "$GITHUB_OUTPUT"
""" % ("0" * 64)


def write_project(project: Path, image: str) -> None:
    """A repository of the small project."""
    for skill, noise in (("good", 0.02), ("better", 0.0), ("bad", 0.45)):
        made = write_run(project / "data" / skill, rows=400, noise=noise)
        (made / "model").mkdir()
        (made / "model/model.txt").write_text(skill)
    (project / "src/shop").mkdir(parents=True)
    (project / "src/shop/__init__.py").write_text(CODE)
    for name, text in (
        ("contract.yaml", CONTRACT),
        ("model-review.toml", POLICY),
        ("params.yaml", "skill: good\n"),
    ):
        (project / name).write_text(text)
    (project / "pyproject.toml").write_text(PROJECT % image)
    (project / ".gitignore").write_text("run/\n.venv/\n*.serve.txt\n")
    shutil.copytree(TEMPLATE, project / ".github/workflows")
    subprocess.run(["uv", "lock", "--quiet"], cwd=project, check=True, capture_output=True)
    git(project, "init", "--quiet", "--initial-branch", "main")
