"""A project as a repository on the fake GitHub: its pull requests start its own workflows, which act runs."""

import json
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import stand_ins
import yaml
from act import Finished, Runner
from archives import archive
from fake_github import LEDGER_TOKEN, FakeGitHub, repository
from github_answers import Json
from repositories import git

HERE = Path(__file__).parent
BY_EVENT = re.compile(r"\$\{\{ github\.event_name == '(\w+)' && '(\d+)' \|\| '(\d+)' \}\}")
OFF = {"MODEL_REVIEW_PUBLISH": "false"}


@dataclass(frozen=True)
class Checked:
    """A finished run of pull-request.yml: its number, how it ended, and what it uploaded, by the artifact's name."""

    run: int
    finished: Finished
    artifacts: dict[str, Path]


@dataclass
class Hosted:
    """The repository, and the machines that its workflows run on.

    Attributes:
        fake: GitHub.
        folder: Where everything lies: the bare repository, caches, artifacts and the runners' workspaces.
        actions: This repository's actions as the project's workflows name them, `owner/name@commit`.
        variables: More variables for every step.
    """

    fake: FakeGitHub
    folder: Path
    actions: str
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the bare repository and the stand-ins."""
        self.remote = self.folder / "repository.git"
        if not self.remote.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            git(self.folder, "init", "--quiet", "--bare", "--initial-branch", "main", str(self.remote))
        self.fake.git = self.remote
        self.cache = self.folder / "cache"
        self.checkouts = self.folder / "checkouts"
        known = {"GITHUB_REPOSITORY": self.fake.repository, "GITHUB_API_URL": self.fake.url}
        known |= {"GITHUB_SERVER_URL": self.fake.host, "CACHE_STORE": str(self.cache)}
        known |= {"CML_FOLDER": str(self.folder / "cml")}
        if self.fake.certificate is not None:
            trusted = f"{self.fake.certificate}.crt"
            known |= {"NODE_EXTRA_CA_CERTS": trusted, "GIT_SSL_CAINFO": trusted}
        mapped = stand_ins.place(self.folder / "actions", self.actions)
        self.runner = Runner(self.folder / "runner", mapped, known | self.variables)

    def install_cml(self) -> None:
        """Runners get CML: the real one where MODEL_REVIEW_CML names its checkout, else the stand-in."""
        folder = self.folder / "cml"
        folder.mkdir(exist_ok=True)
        real = os.environ.get("MODEL_REVIEW_CML")
        program = f'#!/bin/sh\nexec node "{real}/bin/cml.js" "$@"\n'
        if not real:
            program = f"#!{sys.executable} -I\n{(HERE / 'stand_in_cml.py').read_text(encoding='utf-8')}"
            (folder / "cml.json").write_text(json.dumps({"log": str(folder / "calls.log")}), encoding="utf-8")
        (folder / "cml").write_text(program, encoding="utf-8")
        (folder / "cml").chmod(0o755)

    def push(self, project: Path, revision: str, ref: str) -> str:
        """Push a commit of a project; its id."""
        commit = git(project, "rev-parse", revision)
        git(project, "push", "--quiet", "--force", str(self.remote), f"{commit}:{ref}")
        return commit

    def train_main(self, variables: Mapping[str, str] | None = None) -> Finished:
        """Run release.yml, as a push to main does, where publishing is switched off: main is trained, its run saved."""
        commit = git(self.remote, "rev-parse", "refs/heads/main")
        payload = {"ref": "refs/heads/main", "after": commit, "repository": repository(self.fake.repository)}
        main = self.checkout("refs/heads/main", "main")
        return self.runner.run(main, "push", "release", payload, job="model", variables=variables, settings=OFF)

    def open(self, project: Path, revision: str, number: int, branch: str, fork: str | None = None) -> Json:
        """Open a pull request of a commit, or give it a new head; GitHub makes its merge with main."""
        head = self.push(project, revision, f"refs/pull/{number}/head")
        base = git(self.remote, "rev-parse", "refs/heads/main")
        self._merge(base, head, f"refs/pull/{number}/merge")
        return self.fake.add_pull(number, head, branch, fork=fork, base=base)

    def check(
        self,
        pull: Json,
        action: str = "opened",
        *,
        job: str = "",
        labels: Sequence[str] = (),
        added: str = "",
        variables: Mapping[str, str] | None = None,
    ) -> Checked:
        """Run pull-request.yml on the merge of a pull request, and keep what it uploads with the run."""
        number = pull["number"]
        shown = {**pull, "labels": [{"name": name} for name in labels]}
        payload = {"action": action, "number": number, "pull_request": shown}
        payload |= {"repository": repository(self.fake.repository)} | ({"label": {"name": added}} if added else {})
        ref = f"refs/pull/{number}/merge"
        return self._run("pull_request", payload, ref, f"pull-{number}", pull, job, variables)

    def check_group(self, base: str, head: str, pull: Json, variables: Mapping[str, str]) -> Checked:
        """Run pull-request.yml on a merge group: its branch, made of `base` and the queued pull requests."""
        ref = "refs/heads/gh-readonly-queue/main/group"
        payload = {"action": "checks_requested", "repository": repository(self.fake.repository)}
        payload["merge_group"] = {"base_sha": base, "base_ref": "refs/heads/main", "head_sha": head, "head_ref": ref}
        git(self.remote, "update-ref", ref, head)
        return self._run("merge_group", payload, ref, "group", pull, "", variables)

    def report(self, run: int, job: str = "", settings: Mapping[str, str] | None = None) -> Finished:
        """Run report.yml of main, as a finished run of pull-request.yml does; `settings`: its variables."""
        payload = {"action": "completed", "workflow_run": self.fake.runs[run]}
        payload["repository"] = repository(self.fake.repository)
        main = self.checkout("refs/heads/main", f"report-{run}")
        done = self.runner.run(main, "workflow_run", "report", payload, job=job, token=LEDGER_TOKEN, settings=settings)
        if LEDGER_TOKEN in done.printed:
            raise RuntimeError("the token was printed")
        return done

    def _run(
        self,
        event: str,
        payload: Json,
        ref: str,
        name: str,
        pull: Json,
        job: str,
        variables: Mapping[str, str] | None,
    ) -> Checked:
        store = self.folder / "artifacts" / f"{name}-{self.fake.number()}"
        depth = fetch_depth(git(self.remote, "show", f"{ref}:.github/workflows/pull-request.yml"), "model", event)
        checkout = self.checkout(ref, store.name, depth)
        more = {"ARTIFACT_STORE": str(store), **(variables or {})}
        done = self.runner.run(checkout, event, "pull-request", payload, job=job, variables=more)
        conclusion = "success" if done.succeeded else "failure"
        run = self.fake.add_run(pull, conclusion, event=event, display_title=f"pull request {pull['number']}")
        kept = {}
        for folder in sorted(store.iterdir()) if store.exists() else []:
            (kept[folder.name],) = folder.iterdir()
            data = kept[folder.name].read_bytes()
            unzipped = folder.name == kept[folder.name].name
            self.fake.add_artifact(run, folder.name, data if unzipped else archive(data, kept[folder.name].name))
        return Checked(run, done, kept)

    def checkout(self, ref: str, name: str, depth: int = 2) -> Path:
        """What the checkout action leaves: so many commits (0: all), a remote reference, and no branch."""
        folder = self.checkouts / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        git(folder, "init", "--quiet")
        limit = ["--depth", str(depth)] if depth else []
        git(folder, "fetch", "--quiet", *limit, self.remote.as_uri(), f"{ref}:refs/remotes/{ref.removeprefix('refs/')}")
        git(folder, "checkout", "--quiet", "--detach", "FETCH_HEAD")
        return folder

    def _merge(self, base: str, head: str, ref: str) -> str:
        """The merge commit that GitHub makes of a pull request: main is the first parent."""
        folder = self.checkouts / f"merge-{head}"
        shutil.rmtree(folder, ignore_errors=True)
        git(self.folder, "clone", "--quiet", "--shared", "--no-checkout", str(self.remote), str(folder))
        git(folder, "fetch", "--quiet", str(self.remote), base, head)
        git(folder, "checkout", "--quiet", "--detach", base)
        git(folder, "merge", "--quiet", "--no-ff", "--message", f"Merge {head} into {base}", head)
        return self.push(folder, "HEAD", ref)


def fetch_depth(workflow: str, job: str, event: str) -> int:
    """How many commits a job's checkout fetches for an event: 0 is all, and 1 what it does where nothing is said."""
    steps = yaml.safe_load(workflow)["jobs"][job]["steps"]
    (checkout,) = (step for step in steps if step.get("uses", "").startswith("actions/checkout@"))
    said = str(checkout.get("with", {}).get("fetch-depth", 1))
    chosen = BY_EVENT.fullmatch(said)
    return int(said if chosen is None else chosen[2 if chosen[1] == event else 3])
