"""A generated project that is trained, and the verbs of the untrusted half run on its pull requests."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
from bake import bake
from repositories import ACTIONS, commit_all, git, merge

from model_review.cli import main

# Variables that an earlier step may have set, and that must lead nobody elsewhere.
ELSEWHERE = ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "PYTHONPATH")


class Loop:
    """A generated project with an environment of its own, in which main is trained, and the folders of one runner."""

    def __init__(self, folder: Path, *answers: str, forbid: str = "") -> None:
        """Generate, start with a linear model, forbid a column where one is named, install, commit and train."""
        self.scratch = folder / "scratch"
        self.cached = folder / "saved-run"
        self.scratch.mkdir(parents=True)
        self.project = bake(folder, "actions_repository=model-review/model-review", *answers)
        (package,) = (path.parent for path in self.project.glob("src/*/__init__.py"))
        self.package = package.relative_to(self.project).as_posix()
        self.edit("params.yaml", "estimator: hist_gradient_boosting", "estimator: linear")
        if forbid:
            self.give_role(forbid, "feature", "forbidden")
        self.uv("lock", "--quiet")
        self.base = commit_all(self.project)
        # One store for all trainings: making its tables takes seconds.
        self.store = f"sqlite:///{folder / 'mlflow.db'}"
        self.train()
        shutil.copytree(self.project / "run", self.cached)

    def fresh(self) -> None:
        """Main checked out, an empty runner, and main's own run in place of the challenger's."""
        git(self.project, "checkout", "--quiet", "--force", "--detach", self.base)
        for folder in (self.scratch, self.project / "run"):
            shutil.rmtree(folder, ignore_errors=True)
        self.scratch.mkdir()
        shutil.copytree(self.cached, self.project / "run")

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace text that is there."""
        path = self.project / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def give_role(self, column: str, before: str, after: str) -> None:
        """Change the only role of a column in the contract."""
        path = self.project / "contract.yaml"
        head, name, rest = path.read_text(encoding="utf-8").partition(f"- name: {column}\n")
        assert name
        own, following, others = rest.partition("- name: ")
        assert f"[{before}]" in own
        changed = own.replace(f"[{before}]", f"[{after}]")
        path.write_text(head + name + changed + following + others, encoding="utf-8")

    def uv(self, *command: str) -> None:
        """Run uv in the project."""
        self.must("uv", *command)

    def train(self) -> None:
        """Train with the train action's script."""
        assert self.trains()
        assert (self.project / "run/run.json").is_file()

    def trains(self) -> bool:
        """Run the train action's script on what is checked out; whether it worked."""
        return self.call("bash", str(ACTIONS / "train/train.sh"), MLFLOW_TRACKING_URI=self.store).returncode == 0

    def must(self, *command: str, **variables: str) -> None:
        """Run a command that has to work."""
        done = self.call(*command, **variables)
        assert done.returncode == 0, done.stderr

    def call(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the project, in none of the environments of these tests."""
        clean = {name: value for name, value in os.environ.items() if name not in (*ELSEWHERE, "UV_NO_SYNC")}
        return subprocess.run(
            command, cwd=self.project, env=clean | variables, capture_output=True, text=True, check=False
        )

    def open(self, base: str | None = None) -> None:
        """Commit what is there as a pull request against main, and check out the merge."""
        git(self.project, "checkout", "--quiet", "--detach")
        merge(self.project, base or self.base, commit_all(self.project))

    def found(self) -> dict[str, Any]:
        """Run `base`; the record."""
        assert main(["base", "--repo", str(self.project), "--out", str(self.scratch)]) == 0
        content: dict[str, Any] = json.loads((self.scratch / "champion.json").read_text(encoding="utf-8"))
        return content

    def score(self, cached: Path | None) -> dict[str, Any]:
        """Run `base` and `champion`; the record."""
        work = ["--repo", str(self.project), "--work", str(self.scratch), "--challenger", str(self.project / "run")]
        self.found()
        assert main(["champion", *work, "--cached", str(cached or self.scratch / "nothing")]) == 0
        content: dict[str, Any] = json.loads((self.scratch / "champion.json").read_text(encoding="utf-8"))
        assert git(self.project, "worktree", "list").count("\n") == 0  # nothing is left behind
        return content

    def review(self) -> dict[str, Any]:
        """Run `review`; the verdict."""
        work = ["--repo", str(self.project), "--work", str(self.scratch), "--challenger", str(self.project / "run")]
        assert main(["review", *work]) in (0, 1)
        content: dict[str, Any] = json.loads((self.scratch / "review/verdict.json").read_text(encoding="utf-8"))
        return content

    def predictions(self) -> pd.DataFrame:
        """What main's model was found to answer."""
        return pd.read_parquet(self.scratch / "champion/predictions.parquet")
