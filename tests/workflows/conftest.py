"""A repository on the fake GitHub with a pull request, its run and a real comparison."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
sys.path.insert(0, str(Path(__file__).parent))

from archives import archive
from fake_github import FakeGitHub, tls_certificate
from report_loop import BASE, HEAD, Changed, Loop
from training_loop import Loop as Training


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
    """A certificate of this machine's own."""
    return tls_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Training:
    """The demo project with its model on main, trained once; each test starts from main again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        return Training(tmp_path_factory.mktemp("loop"))


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
    with FakeGitHub(certificate=certificate) as fake:
        fake.add_pull(7, HEAD, "faster-trees", base=BASE)
        fake.files[BASE, "model-review.toml"] = POLICY.encode()
        fake.files[HEAD, "model-review.toml"] = POLICY.encode()
        fake.files[BASE, "contract.yaml"] = CONTRACT.encode()
        yield Loop(fake, tmp_path, comparisons, capsys, monkeypatch)


@pytest.fixture
def forged(comparisons: dict[str, bytes]) -> Changed:
    """The better comparison with some of its fields written by somebody else, as an artifact."""

    def change(edit: Callable[[dict[str, Any]], None]) -> bytes:
        data = json.loads(comparisons["better"])
        edit(data)
        return archive(json.dumps(data).encode())

    return change
