"""Merges to main under real act: the generated release.yml and rollback.yml, a real registry, a fake GitHub.

The project is a small one that writes the contract's files without any library. In place of building an image, the stub
of the package action writes a tiny one; skopeo and podman are stubs that write it out and start a small service for it.
Everything from the digest on is real: push, tags, probe, promotion log, release.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import stand_ins
import yaml
from act import ACT, readable
from fake_forge import TOKEN, Forge, forge
from loopback import registry
from repositories import git
from shop_project import PACKAGE, PACKAGE_SCRIPT, write_project

HERE = Path(__file__).parent


@dataclass
class Hosted:
    """A project on a fake GitHub, and the machines that its workflows run on.

    Attributes:
        folder: Where everything but the project lies.
        forge: GitHub.
        project: The project's repository.
        variables: More variables for every step.
    """

    folder: Path
    forge: Forge
    project: Path
    variables: dict[str, str]

    def __post_init__(self) -> None:
        """Write the stand-ins."""
        self.store, self.bin = self.folder / "store", self.folder / "bin"
        self.runs: dict[str, Path] = {}  # what an attempt printed, and the artifacts of its run
        self.store.mkdir()
        self.bin.mkdir()
        self.stub("docker")  # builds and runs nothing here, so that the tests are the same where an engine is
        config = self.folder / "gitconfig"
        config.write_text(f'[url "{self.forge.git.as_uri()}"]\n  insteadOf = {self.forge.url}/{self.forge.name}\n')
        text = (self.project / ".github/workflows/release.yml").read_text(encoding="utf-8")
        pinned = re.search(r"uses: (\S+)/\.github/actions/package(@[0-9a-f]{40})", text)
        assert pinned is not None
        self.mapped = stand_ins.place(self.folder / "actions", f"{pinned[1]}{pinned[2]}")
        self.engine = self.folder / "actions/model-review"

    def stub(self, name: str) -> None:
        """A program of that name that stubs.py stands in for."""
        (self.bin / name).write_text(f'#!/bin/sh\nexec {sys.executable} {HERE}/stubs.py {name} "$@"\n')
        (self.bin / name).chmod(0o755)

    def push(self) -> str:
        """Merge what is in the project to main; its commit."""
        git(self.project, "add", "--all")
        git(self.project, "commit", "--quiet", "--allow-empty", "--message", "A merge")
        commit = git(self.project, "rev-parse", "HEAD")
        git(self.project, "push", "--quiet", str(self.forge.git), "HEAD:refs/heads/main")
        return commit

    def release(
        self, *arguments: str, private: bool = False, until: Callable[[str], bool] | None = None, attempt: str = ""
    ) -> tuple[bool, str]:
        """Run release.yml for main's newest commit, as its push does."""
        event = {"ref": "refs/heads/main", "repository": {"full_name": self.forge.name, "private": private}}
        return self.act("push", "release", event, *arguments, until=until, attempt=attempt)

    def rollback(
        self, to: str = "previous", until: Callable[[str], bool] | None = None, attempt: str = ""
    ) -> tuple[bool, str]:
        """Run rollback.yml, as a person does."""
        event = {"inputs": {"to": to}, "ref": "refs/heads/main"}
        return self.act("workflow_dispatch", "rollback", event, until=until, attempt=attempt)

    def act(
        self,
        event: str,
        workflow: str,
        payload: dict[str, Any],
        *arguments: str,
        until: Callable[[str], bool] | None = None,
        attempt: str = "",
    ) -> tuple[bool, str]:
        """Let act run a workflow; whether it succeeded, and what it printed.

        Where `until` says so of what was printed, the machine is gone: act, and all that it runs, without a word.
        `attempt` is what an earlier attempt printed: its failed jobs are run again, and find its artifacts.
        """
        # Each run has its own, and so have its later attempts.
        artifacts, run = self.store / "artifacts", self.runs.get(attempt, self.store / f"run-{len(self.runs)}")
        run.mkdir(exist_ok=bool(attempt))
        artifacts.unlink(missing_ok=True)
        artifacts.symlink_to(run)
        (self.folder / "event.json").write_text(json.dumps(payload), encoding="utf-8")
        variables = {
            "GITHUB_API_URL": self.forge.url,
            "GITHUB_SERVER_URL": self.forge.url,
            "GITHUB_REPOSITORY": self.forge.name,
            "GIT_CONFIG_GLOBAL": str(self.folder / "gitconfig"),
            "STORE": str(self.store),
            "CACHE_STORE": str(self.store / "cache"),
            "ARTIFACT_STORE": str(artifacts),
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            **self.variables,
        }
        file = readable(self.project / f".github/workflows/{workflow}.yml", self.folder / f"{workflow}.yml")
        if attempt:
            leave_out_what_succeeded(file, attempt)
        command = [str(ACT), event, "--workflows", str(file), *self.mapped, *arguments]
        command += ["--platform", "ubuntu-latest=-self-hosted", "--eventpath", str(self.folder / "event.json")]
        command += ["--action-offline-mode", "--no-cache-server", "--secret", "GITHUB_TOKEN"]
        # Workspaces here and not below a hidden folder, which BentoML refuses.
        command += ["--action-cache-path", str(self.folder / "runner")]
        for name, value in variables.items():
            command += ["--env", f"{name}={value}"]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "RUNNER_"))}
        printed = self.folder / "printed"
        with printed.open("w") as stream:
            process = subprocess.Popen(
                command,
                cwd=self.project,
                env=clean | {"GITHUB_TOKEN": TOKEN},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + 1800
        while process.poll() is None:
            over = time.monotonic() > deadline
            if over or (until is not None and until(printed.read_text(errors="replace"))):
                kill(process.pid)
                process.wait()
                assert not over, printed.read_text(errors="replace")[-6000:]
                break
            time.sleep(0.05)
        said = printed.read_text(errors="replace")
        assert TOKEN not in said
        self.runs[said] = run
        return process.returncode == 0, said

    def lines(self) -> list[dict[str, Any]]:
        """The promotion log on its branch."""
        found = git(self.forge.git, "show", "model-review:promotions.jsonl")
        return [json.loads(line) for line in found.splitlines()]


def leave_out_what_succeeded(workflow: Path, printed: str) -> None:
    """As "re-run failed jobs" does it: in place of a job that succeeded in this attempt, the outputs that it had."""
    content = yaml.safe_load(workflow.read_text(encoding="utf-8"))
    content["on"] = content.pop(True)  # YAML 1.1 takes the word for a truth value
    for name, job in content["jobs"].items():
        lines = [line for line in printed.splitlines() if re.match(rf"\[\w+/{name} *\]", line)]
        if not any(line.endswith("Job succeeded") for line in lines):
            continue
        given = dict(match.groups() for line in lines if (match := re.search(r"::set-output:: ([\w-]+)=(.*)", line)))
        kept = "".join(f"{one}={given.get(one, '')}\n" for one in job.get("outputs", {}))
        job["outputs"] = {one: f"${{{{ steps.before.outputs.{one} }}}}" for one in job.get("outputs", {})}
        script = 'printf %s "$KEPT" >> "$GITHUB_OUTPUT"'
        job["steps"] = [{"id": "before", "name": "As before", "shell": "bash", "env": {"KEPT": kept}, "run": script}]
    workflow.write_text(json.dumps(content), encoding="utf-8")


def kill(pid: int) -> None:
    """End a process and all that it started; none gets to start another one or to clean up."""
    tree = [pid]
    for one in tree:
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGSTOP)
        for file in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                if int(file.read_text().rpartition(")")[2].split()[1]) == one:
                    tree.append(int(file.parent.name))
    for one in tree:
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


class Shop(Hosted):
    """The small project, with stubs for its image."""

    def __init__(self, folder: Path, forge: Forge, image: str) -> None:
        """Write the project and the stubs."""
        project = folder / "shop"
        write_project(project, image)
        service = f"{sys.executable} {HERE}/stubs.py serve"
        super().__init__(folder, forge, project, {"IMAGE_NAME": image, "STUB_SERVICE": service})
        self.image = image
        for name in ("skopeo", "podman"):
            self.stub(name)
        (self.engine / ".github/actions/package/action.yml").write_text(json.dumps(PACKAGE))
        (self.engine / ".github/actions/package/package.sh").write_text(PACKAGE_SCRIPT)
        # What is measured here says nothing, so it is measured shortly; and one engine is installed for all jobs.
        self.change("stage/stage.sh", "probe --expect", 'probe --seconds 0.5 --wait "${STUB_WAIT:-60}" --expect')
        self.change("setup/engine.sh", 'engine="${RUNNER_TEMP', 'engine="$STORE/engine" # "${RUNNER_TEMP')

    def change(self, script: str, text: str, other: str) -> None:
        """Replace the one place where an action's script says something."""
        file = self.engine / ".github/actions" / script
        whole = file.read_text(encoding="utf-8")
        assert whole.count(text) == 1
        file.write_text(whole.replace(text, other), encoding="utf-8")

    def merge(self, skill: str) -> str:
        """A pull request that chooses a model is merged; the commit of main."""
        (self.project / "params.yaml").write_text(f"skill: {skill}\n")
        return self.push()


@contextmanager
def opened(folder: Path) -> Iterator[Shop]:
    """The small project on a fake GitHub, with a real registry, until the end of the block."""
    bare = folder / "shop.git"
    git(folder, "init", "--quiet", "--bare", "--initial-branch", "main", str(bare))
    with registry(folder) as host, forge(bare) as fake:
        yield Shop(folder, fake, f"{host}/acme/shop")
