"""Real act in host mode: a workflow of a checkout, with stand-ins for other people's actions."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ACT = Path(sys.executable).parent / "act"
SECONDS = 900
# What would lead a step to another environment than a runner's, or tell it of the workflow that these tests run in.
ELSEWHERE = ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "UV_NO_SYNC", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")


@dataclass(frozen=True)
class Finished:
    """How a workflow ended, and all that its steps printed."""

    succeeded: bool
    printed: str


@dataclass(frozen=True)
class Runner:
    """A machine with act on it.

    Attributes:
        folder: Where it keeps the workspaces of running jobs.
        mapped: Act's arguments that map remote actions to folders.
        variables: The environment of every step.
    """

    folder: Path
    mapped: Sequence[str]
    variables: Mapping[str, str]
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def run(
        self,
        checkout: Path,
        event: str,
        workflow: str,
        payload: Mapping[str, object],
        *,
        job: str = "",
        token: str = "",
        variables: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> Finished:
        """Let one event start a workflow of what is checked out; all its jobs, or one with those that it needs.

        `variables` are the environment of its steps, `settings` the repository's variables.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        told = self.folder / f"{checkout.name}-{event}.json"
        told.write_text(json.dumps(payload), encoding="utf-8")
        file = readable(checkout / f".github/workflows/{workflow}.yml", self.folder / f"{checkout.name}-{event}.yml")
        command = [str(ACT), event, "--workflows", str(file), "--eventpath", str(told)]
        command += ["--platform", "ubuntu-latest=-self-hosted", "--action-offline-mode", "--no-cache-server"]
        command += ["--action-cache-path", str(self.folder), *self.mapped]
        # Act keeps settings and caches of its own here; its steps find those of the user.
        own = {f"XDG_{kind.upper()}_HOME": str(self.folder / kind) for kind in ("cache", "config")}
        users = {name: os.environ.get(name, str(Path.home() / f".{Path(own[name]).name}")) for name in own}
        for name, value in {**users, **self.variables, **(variables or {})}.items():
            command += ["--env", f"{name}={value}"]
        for name, value in (settings or {}).items():
            command += ["--var", f"{name}={value}"]
        if job:
            command += ["--job", job]
        if token:
            command += ["--secret", "GITHUB_TOKEN"]  # its value comes from the environment, so that no list shows it
        process = subprocess.Popen(
            command,
            cwd=checkout,
            env=_environment() | own | ({"GITHUB_TOKEN": token} if token else {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        try:
            printed, _ = process.communicate(timeout=SECONDS)
        except BaseException:
            _end(process)
            raise
        return Finished(process.returncode == 0, printed)

    def stop(self) -> None:
        """End what still runs; act ends its steps when it is interrupted."""
        for process in self.started:
            _end(process)


def readable(workflow: Path, target: Path) -> Path:
    """A copy without `concurrency.queue`: act runs one workflow at a time, and 0.2.89 refuses keys new to it."""
    lines = workflow.read_text(encoding="utf-8").splitlines(keepends=True)
    target.write_text("".join(line for line in lines if line.strip() != "queue: max"), encoding="utf-8")
    return target


def _end(process: subprocess.Popen[str]) -> None:
    for end in (signal.SIGINT, signal.SIGKILL):
        if process.poll() is not None:
            return
        process.send_signal(end)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            continue


def _environment() -> dict[str, str]:
    """Nothing of a workflow that runs these tests, and no other environment: a runner has uv, and none of our tools."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GITHUB_", "RUNNER_", "ACTIONS_")) and name not in ELSEWHERE
    }
    folders = kept.get("PATH", os.defpath).split(os.pathsep)
    return kept | {"PATH": os.pathsep.join(one for one in folders if Path(one) != ACT.parent)}
