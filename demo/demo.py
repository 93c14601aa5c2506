"""`make demo`: generate the demo project, train and evaluate it, serve it, send one request, and say what came out.

Everything stays in `.demo`. An earlier project is kept as `customer-churn.previous`; its environment moves into the
new one, so that a second run installs nothing.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".demo"
PROJECT = FOLDER / "customer-churn"
READY_SECONDS = 60
LOCAL = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy would not know this machine's port
SETTINGS = {
    "BENTOML_DO_NOT_TRACK": "true",
    "BENTOML_HOME": str(FOLDER / "bentoml"),
    "COOKIECUTTER_CONFIG": str(FOLDER / "cookiecutter.yaml"),
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "OMP_NUM_THREADS": "1",  # on a table this small, threads that wait for each other cost more than they bring
    "UV_PYTHON_DOWNLOADS": "never",
}


def say(line: str = "") -> None:
    """Print at once, also into a pipe."""
    print(line, flush=True)


def step(name: str, *command: str, cwd: Path = PROJECT) -> str:
    """Run one command, print how long it took and return its output; stop with all of it where it fails."""
    started = time.monotonic()
    done = subprocess.run(
        command,
        cwd=cwd,
        env=os.environ | SETTINGS,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}\ndemo: `{' '.join(command)}` failed in {cwd}; its output is above.")
    say(f"  {name:<45} {time.monotonic() - started:5.1f} s")
    return done.stdout


def move_earlier_aside() -> None:
    """Keep one earlier project, and leave the place free."""
    if PROJECT.exists():
        previous = PROJECT.with_name(f"{PROJECT.name}.previous")
        shutil.rmtree(previous, ignore_errors=True)
        PROJECT.rename(previous)


def configure_cookiecutter() -> None:
    """Keep the user's cookiecutter settings unread and its replay files out of the home folder."""
    FOLDER.mkdir(exist_ok=True)
    own = {"cookiecutters_dir": str(FOLDER / "cookiecutters"), "replay_dir": str(FOLDER / "replay")}
    Path(SETTINGS["COOKIECUTTER_CONFIG"]).write_text(json.dumps(own), encoding="utf-8")  # JSON is YAML too


def generate() -> None:
    """Run the template with the demo data."""
    configure_cookiecutter()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = [sys.executable, "-m", "cookiecutter", str(ROOT), "--no-input", "--output-dir", str(FOLDER)]
    answers = ["project_name=Customer churn", f"project_slug={PROJECT.name}", f"python_version={version}"]
    found = step("generate the project from its table", *command, *answers, cwd=FOLDER)
    for line in found.partition("next steps:")[0].splitlines():
        say(f"    {line}")


def reuse_environment() -> None:
    """Move the earlier project's environment and its lock to the same place in the new one; `uv sync` checks both."""
    previous = PROJECT.with_name(f"{PROJECT.name}.previous")
    for name in (".venv", "uv.lock"):
        if (previous / name).exists():
            (previous / name).rename(PROJECT / name)


def free_port() -> int:
    """Return a loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def post(url: str, body: bytes) -> str:
    """Send JSON and return the answer; a refusal is shown, not raised."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with LOCAL.open(request, timeout=30) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        sys.exit(f"demo: {url} answered {error.code}: {error.read().decode()}")


def ready(url: str) -> bool:
    """Return whether the service says that it is ready."""
    try:
        with LOCAL.open(f"{url}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@contextmanager
def service() -> Iterator[str]:
    """Start the project's service on a free port and give its address; stop it whatever happens."""
    started = time.monotonic()
    log = FOLDER / "service.log"
    url = f"http://127.0.0.1:{free_port()}"
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            ["uv", "run", "bentoml", "serve", "--host", "127.0.0.1", "--port", url.rpartition(":")[2]],
            cwd=PROJECT,
            env=os.environ | SETTINGS,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # one group, so that its workers stop with it
        )
    try:
        while not ready(url):
            if process.poll() is not None or time.monotonic() - started > READY_SECONDS:
                sys.exit(f"{log.read_text(encoding='utf-8')}\ndemo: the service did not get ready; its log is above.")
            time.sleep(0.2)
        say(f"  {'start the service':<45} {time.monotonic() - started:5.1f} s")
        yield url
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started: politely, then not."""
    for end in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, end)
            process.wait(timeout=10)
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            continue


def show_metrics() -> None:
    """Print the metrics of the run beside those of its baselines."""
    run = json.loads((PROJECT / "run" / "run.json").read_text(encoding="utf-8"))
    data = run["data"]
    say(f"\nMetrics on {data['evaluation_rows']:,} held-out rows (trained on {data['train_rows']:,}):\n")
    baselines = run["baselines"]
    say(f"  {'':<20}" + "".join(f"{name:>12}" for name in ("model", *baselines)))
    for metric, value in run["metrics"].items():
        others = (baseline.get(metric) for baseline in baselines.values())
        cells = "".join(f"{'-' if cell is None else format(cell, '.3f'):>12}" for cell in (value, *others))
        say(f"  {metric:<20}{cells}")
    for warning in run["warnings"]:
        say(f"\n  warning: {warning}")


def main() -> None:
    """Run the demo."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    started = time.monotonic()
    say("model-review demo: from a table to a served model\n")
    move_earlier_aside()
    generate()
    reuse_environment()
    step("install its environment (uv sync)", "uv", "sync")
    step("train (uv run train)", "uv", "run", "train")
    evaluate = ["uv", "run", "evaluate", "--model", "run/model", "--rows", "run/evaluation.parquet"]
    step("score the saved model again (uv run evaluate)", *evaluate, "--out", str(FOLDER / "evaluated"))
    request = (PROJECT / "tests" / "example-request.json").read_text(encoding="utf-8")
    with service() as url:
        answer = post(f"{url}/predict", request.encode())
    show_metrics()
    say(f"\nRequest to /predict:\n  {json.dumps(json.loads(request))}\nPrediction:\n  {answer.strip()}\n")
    say(f"The project is in {PROJECT.relative_to(ROOT)}; its README.md says how to go on.")
    say(f"Done in {time.monotonic() - started:.0f} s.")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("demo: stopped")
