"""A repository on the fake GitHub with a pull request, its run and a real comparison, and the verb that answers."""

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "engine")]

import fake_github  # noqa: E402 - found through the line above

REAL_CML = os.environ.get("MODEL_REVIEW_CML")
HEAD, BASE = "a1" * 20, "b2" * 20


def archive(data: bytes, name: str = "comparison.json") -> bytes:
    """An artifact as the upload action makes it."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr(name, data)
    return made.getvalue()


@pytest.fixture(scope="session")
def comparisons(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Real comparisons by the engine: a better challenger, a worse one, and one that uses a forbidden column."""
    from worlds import CONTRACT, POLICY, World, write_run

    from model_review.cli import main

    place = tmp_path_factory.mktemp("comparisons")
    (place / "policy.toml").write_text(POLICY)
    (place / "contract.yaml").write_text(CONTRACT)
    world = World(rows=3000, seed=7)
    main_run = write_run(place / "main", world.frame(world.score(1.0, 1)))
    leaking = {"features": ["amount", "region", "sex", "paid_back"]}
    kinds: dict[str, tuple[float, dict[str, Any]]] = {"better": (2.0, {}), "worse": (0.5, {}), "leak": (2.0, leaking)}
    found = {}
    for name, (skill, changes) in kinds.items():
        run = write_run(place / name, world.frame(world.score(skill, 2)), **changes)
        rules = ["--policy", str(place / "policy.toml"), "--contract", str(place / "contract.yaml")]
        main(["compare", "--champion", str(main_run), "--challenger", str(run), "--out", str(place / "out"), *rules])
        found[name] = (place / "out" / "comparison.json").read_bytes()
    return found


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of this machine's own, and its key: CML speaks to nothing unencrypted."""
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run([*command.split(), "-keyout", str(file), "-out", f"{file}.crt"], check=True, capture_output=True)
    file.write_text(file.read_text() + Path(f"{file}.crt").read_text())
    return file


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
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            "CML_COMMENT_NONSENSE": "1",
            "CML_TOKEN": "another",
            "OTHER_SECRET": "not for CML",
            "PATH": self.path,
        }

    def comment(self, run: int, *arguments: str, **environment: str) -> tuple[int, dict[str, str], str]:
        """The verb's exit code, its outputs and what it printed."""
        from model_review.cli import main

        (self.folder / "output").write_text("")
        for name, value in {**self.environment(), **environment}.items():
            self.patch.setenv(name, value)
        self.capture.readouterr()
        code = main(["comment", "--run", str(run), *arguments])
        shown = self.capture.readouterr()
        for token in self.fake.tokens:
            assert token not in shown.out + shown.err
        return code, outputs(self.folder / "output"), shown.out + shown.err

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


def outputs(path: Path) -> dict[str, str]:
    """GITHUB_OUTPUT as a runner reads it."""
    found: dict[str, str] = {}
    lines = path.read_text().split("\n") if path.exists() else []
    while lines:
        head = lines.pop(0)
        if "<<" in head:
            name, end = head.split("<<")
            found[name] = "\n".join(lines[: lines.index(end)])
            lines = lines[lines.index(end) + 1 :]
    return found


@pytest.fixture
def loop(
    tmp_path: Path,
    comparisons: dict[str, bytes],
    certificate: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Loop]:
    """Pull request 7 of a branch of this repository."""
    from worlds import CONTRACT, POLICY

    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert shutil.which("cml") is None, "these tests bring their own cml"
    with fake_github.FakeGitHub(certificate=certificate) as fake:
        fake.add_pull(7, HEAD, "faster-trees", base=BASE)
        fake.files[BASE, "model-review.toml"] = POLICY.encode()
        fake.files[HEAD, "model-review.toml"] = POLICY.encode()
        fake.files[BASE, "contract.yaml"] = CONTRACT.encode()
        yield Loop(fake, tmp_path, comparisons, capsys, monkeypatch)


Changed = Callable[..., bytes]


@pytest.fixture
def forged(comparisons: dict[str, bytes]) -> Changed:
    """The better comparison with some of its fields written by somebody else, as an artifact."""

    def change(edit: Callable[[dict[str, Any]], None]) -> bytes:
        data = json.loads(comparisons["better"])
        edit(data)
        return archive(json.dumps(data).encode())

    return change
