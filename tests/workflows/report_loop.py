"""One pull request on the fake GitHub, and the report job's verb run on it."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fake_github
import pytest
from repositories import outputs

REAL_CML = os.environ.get("MODEL_REVIEW_CML")
HEAD, BASE = "a1" * 20, "b2" * 20
MARKER = f'![](https://cml.dev/watermark.png#{HEAD} "CML watermark model-review")'
Changed = Callable[..., bytes]


@dataclass
class Loop:
    """One repository with its pull request number 7, and a way to let the report job run."""

    fake: fake_github.FakeGitHub
    folder: Path
    comparisons: dict[str, bytes]
    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch
    path: str = field(default_factory=lambda: os.environ["PATH"])

    def run(self, content: bytes | None, conclusion: str = "success", pull: int = 7, **changes: Any) -> int:
        """A finished run; `content` is the artifact's bytes, None for none."""
        number = self.fake.add_run(self.fake.pulls[pull], conclusion, **changes)
        if content is not None:
            self.fake.add_artifact(number, "model-review-comparison", content)
        return number

    def environment(self) -> dict[str, str]:
        """What a composite action's step sees, stray variables included."""
        return {
            "GITHUB_API_URL": self.fake.url,
            "GITHUB_SERVER_URL": self.fake.host,
            "NODE_EXTRA_CA_CERTS": f"{self.fake.certificate}.crt",
            "GITHUB_REPOSITORY": self.fake.repository,
            "GITHUB_TOKEN": fake_github.REPORT_TOKEN,
            "GITHUB_OUTPUT": str(self.folder / "outputs"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            "CML_COMMENT_NONSENSE": "1",
            "CML_TOKEN": "another",
            "OTHER_SECRET": "not for CML",  # pragma: allowlist secret
            "PATH": self.path,
        }

    def comment(self, run: int, *arguments: str, **environment: str) -> tuple[int, dict[str, str], str]:
        """The verb's exit code, its outputs and what it printed."""
        from model_review.cli import main

        (self.folder / "outputs").write_text("")
        for name, value in {**self.environment(), **environment}.items():
            self.patch.setenv(name, value)
        self.capture.readouterr()
        code = main(["comment", "--run", str(run), *arguments])
        shown = self.capture.readouterr()
        for token in self.fake.tokens:
            assert token not in shown.out + shown.err
        return code, outputs(self.folder), shown.out + shown.err

    @property
    def address(self) -> str:
        """The repository's address."""
        return f"{self.fake.host}/{self.fake.repository}"

    def install_cml(self, **config: Any) -> None:
        """Put CML on PATH: the real one where MODEL_REVIEW_CML names its checkout, but for a stand-in's own tricks."""
        folder = self.folder / "bin"
        folder.mkdir(exist_ok=True)
        self.path = f"{folder}{os.pathsep}{self.path.removeprefix(f'{folder}{os.pathsep}')}"
        if REAL_CML and not config:
            (folder / "cml").write_text(f'#!/bin/sh\nexec node "{REAL_CML}/bin/cml.js" "$@"\n')
            (folder / "cml").chmod(0o755)
            return
        source = (Path(__file__).parent / "stand_in_cml.py").read_text()
        (folder / "cml").write_text(f"#!{sys.executable} -I\n{source}")
        (folder / "cml").chmod(0o755)
        settings = {"log": str(self.folder / "cml.log"), **config}
        (folder / "cml.json").write_text(json.dumps(settings))

    def remove_cml(self) -> None:
        """A runner without CML."""
        self.path = self.path.removeprefix(f"{self.folder / 'bin'}{os.pathsep}")

    def cml_calls(self) -> list[dict[str, Any]]:
        """What the stand-in was given."""
        log = self.folder / "cml.log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def ours(self) -> list[dict[str, Any]]:
        """Our comments on the pull request."""
        return self.fake.by(fake_github.BOT, 7)
