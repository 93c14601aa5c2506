"""How fast is the generated service? Against five peers with the same model and rows, in one run, as ratios.

Run: python benchmarks/serving.py [--seconds 3] [--rounds 5]; it needs wrk (apt install wrk). One worker and one thread
each; the configurations take turns, and the medians of the rounds are compared. CPU time per request is printed too: it
hardly depends on what else the machine does.
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BENCH, PEERS = ROOT / ".bench", ROOT / "benchmarks/peers"
PROJECT = BENCH / "churn"
PATHS = f"{PROJECT / 'src'}{os.pathsep}{PEERS}"
SCIKIT = ["numpy==2.4.6", "pandas==3.1.1", "scikit-learn==1.9.1", "skops==0.16.0", "pyyaml"]
ONNX = ["numpy==2.4.6", "onnxruntime==1.31.1", "pyyaml", "pydantic", "prometheus-client"]
SPEED = ["uvloop", "httptools"]
ENVIRONMENTS = {
    "fastapi": ["fastapi==0.163.2", "uvicorn==0.54.0", *SPEED, *ONNX],
    "bentoml": ["bentoml==1.4.39", *SPEED, *SCIKIT],
    "mlflow": ["mlflow==3.17.2", *SPEED, *SCIKIT],
    "mlserver": ["mlserver==1.7.1", "mlserver-sklearn==1.7.1", *SPEED, *SCIKIT],
    "litserve": ["litserve==0.2.19", *SPEED, *ONNX],
}
CASES = [(1, 1), (1, 8), (100, 1), (100, 8)]  # rows, clients
LUA = """
local file = io.open(os.getenv("BODY"), "rb")
wrk.body = file:read("*a")
file:close()
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
"""
# Ratios of requests per second, at rows and clients.
AIMS = [
    ("bentoml + scikit-learn", (1, 8), 12.0),
    ("fastapi + onnx", (1, 8), 0.75),
    ("mlflow", (1, 8), 20.0),
    ("mlserver", (1, 8), 8.0),
    ("litserve + onnx", (1, 8), 2.0),
    ("fastapi + onnx", (100, 8), 1.1),
]
# Distinct rows, without what not every peer takes: a gap, and text for a number.
ROWS = """
import json, sys
import pandas as pd
from churn import ROOT, artifact
from churn.contract import load_contract
from churn.data import parse

file, contract = ROOT / "run/evaluation.parquet", load_contract(ROOT / "run/contract.yaml")
names = artifact.facts(ROOT / "run/model")["features"].raw
raw = pd.read_parquet(file).astype("str")
typed, _ = parse(raw, contract, file, names)
kinds = {"integer": int, "number": float, "boolean": bool}
kept = typed[names].dropna().drop_duplicates()[:100]
columns = [column for column in contract.columns if column.name in names]
rows = [{c.name: kinds.get(c.type, str)(row[c.name]) for c in columns} for row in kept.to_dict("records")]
assert len(rows) == 100
print(json.dumps(rows))
"""


@dataclass
class Server:
    """One configuration: how it starts, where it answers, and which body it takes."""

    name: str
    python: str
    command: list[str]
    path: str = "/predict"
    ready: str = "/readyz"
    body: str = "rows"
    settings: dict[str, str] = field(default_factory=dict)
    folder: Path = BENCH
    port: int = 0
    process: subprocess.Popen[bytes] | None = None


@dataclass(frozen=True)
class Load:
    """What wrk said: requests per second, latencies in milliseconds; CPU microseconds per request; answers not 2xx."""

    rate: float
    p50: float
    p99: float
    cpu: float
    errors: int


def run(command: list[str], folder: Path = ROOT, **environment: str) -> str:
    """What a step of the preparation prints; or stop with its output."""
    done = subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}\nbench: `{' '.join(command)}` failed; its output is above.")
    return done.stdout


def python_of(name: str) -> str:
    """The Python of a peer's own environment, made once."""
    folder = BENCH / "environments" / name
    stamp = folder / "stamp"
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != str(ENVIRONMENTS[name]):
        print(f"installing {name}", flush=True)
        run(["uv", "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)])
        run(["uv", "pip", "install", "--quiet", "--compile", "--python", f"{folder}/bin/python", *ENVIRONMENTS[name]])
        stamp.write_text(str(ENVIRONMENTS[name]), encoding="utf-8")
    return f"{folder}/bin/python"


def free_port() -> int:
    """A port that is free, with two more after it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def prepare() -> None:
    """Generate the demo, train it, and write the bodies."""
    BENCH.mkdir(exist_ok=True)
    shutil.rmtree(PROJECT, ignore_errors=True)  # the template as it stands now
    run([sys.executable, "-m", "cookiecutter", str(ROOT), "--no-input", "--output-dir", str(BENCH)])
    train = "from churn import ROOT, train; train.train(ROOT / 'run')"
    run([sys.executable, "-c", train], PROJECT, PYTHONPATH="src")
    rows = json.loads(run([sys.executable, "-c", ROWS], PROJECT, PYTHONPATH="src"))
    for count in (1, 100):
        (BENCH / f"rows-{count}.json").write_text(json.dumps({"rows": rows[:count]}), encoding="utf-8")
    (BENCH / "post.lua").write_text(LUA, encoding="utf-8")


def nearest() -> list[Server]:
    """Ours with and without its log, and the fastest peer."""
    own = ["-m", "churn.serving.serve", "--port", "{port}"]
    made = [
        Server("ours", sys.executable, own),
        Server("ours, log off", sys.executable, own, settings={"SERVICE_LOG_FOLDER": ""}),
        Server("fastapi + onnx", python_of("fastapi"), ["fastapi_onnx.py", "{port}"], folder=PEERS),
    ]
    for server in made:
        server.port = free_port()
    return made


def servers() -> list[Server]:
    """Ours with and without its log, and the peers."""
    serve = ["-m", "bentoml", "serve"]
    peer = [*serve, "bentoml_sklearn:Churn", "--host", "127.0.0.1", "--port", "{port}"]
    models = BENCH / "models"
    mlflow = [
        "-m",
        "mlflow",
        "models",
        "serve",
        "-m",
        str(models / "mlflow"),
        "--env-manager",
        "local",
        "--workers",
        "1",
    ]
    made = [
        *nearest(),
        Server("bentoml + scikit-learn", python_of("bentoml"), peer, folder=PEERS),
        Server("litserve + onnx", python_of("litserve"), ["litserve_onnx.py", "{port}"], ready="/health", folder=PEERS),
        Server(
            "mlflow",
            python_of("mlflow"),
            [*mlflow, "--host", "127.0.0.1", "--port", "{port}"],
            path="/invocations",
            ready="/ping",
            body="mlflow",
        ),
        Server(
            "mlserver",
            python_of("mlserver"),
            ["-c", "from mlserver.cli import main; main()", "start", "."],
            path="/v2/models/churn/infer",
            ready="/v2/health/ready",
            body="mlserver",
            folder=models / "mlserver",
        ),
    ]
    for server in made:
        server.port = free_port()
    save = [made[5].python, str(PEERS / "save_mlflow.py"), str(models), str(made[6].port)]
    shutil.rmtree(models, ignore_errors=True)
    models.mkdir()
    run(save, BENCH_RUN=str(PROJECT / "run"), PYTHONPATH=PATHS)
    return made


def start(server: Server, stack: ExitStack) -> None:
    """Start a server in a process group of its own, and wait until it is ready."""
    paths = f"{Path(server.python).parent}{os.pathsep}{os.environ['PATH']}"
    fixed = {
        "OMP_NUM_THREADS": "1",
        "BENCH_RUN": str(PROJECT / "run"),
        "PATH": paths,
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    fixed |= {"BENTOML_HOME": str(BENCH / "homes" / server.name), "BENTOML_DO_NOT_TRACK": "True"}
    fixed |= {"SERVICE_LOG_FOLDER": str(BENCH / "logs"), "PYTHONWARNINGS": "ignore", "PYTHONPATH": PATHS}
    command = [server.python, *(part.format(port=server.port) for part in server.command)]
    with (BENCH / f"{server.name}.log").open("wb") as log:
        server.process = subprocess.Popen(
            command,
            cwd=server.folder,
            env=os.environ | fixed | server.settings,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    stack.callback(stop, server.process)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(600):
        if server.process.poll() is not None:
            break
        try:
            direct.open(f"http://127.0.0.1:{server.port}{server.ready}", timeout=2).close()
            return
        except OSError:
            time.sleep(0.2)
    sys.exit(f"bench: {server.name} did not get ready; see {BENCH / f'{server.name}.log'}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server and whatever it started."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(20)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def cpu_seconds(process: int) -> float:
    """CPU time of a process and all that it started."""
    tree, ticks = [process], 0
    for one in tree:
        try:
            fields = Path(f"/proc/{one}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            for thread in Path(f"/proc/{one}/task").iterdir():
                tree += map(int, (thread / "children").read_text(encoding="utf-8").split())
        except OSError:  # it ended meanwhile
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def load(server: Server, rows: int, clients: int, seconds: int) -> Load:
    """One measurement."""
    assert server.process is not None
    before = cpu_seconds(server.process.pid)
    command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--latency", "--timeout", "10s", "-s", "post.lua"]
    url = f"http://127.0.0.1:{server.port}{server.path}"
    body = str(BENCH / f"{server.body}-{rows}.json")
    done = subprocess.run(
        [*command, url], cwd=BENCH, env=os.environ | {"BODY": body}, capture_output=True, text=True, check=True
    )
    used = cpu_seconds(server.process.pid) - before

    def latency(share: str) -> float:
        number, unit = re.findall(rf"^ +{share}% +([\d.]+)(us|ms|s)$", done.stdout, re.MULTILINE)[0]
        return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]

    (count,) = re.findall(r"(\d+) requests in", done.stdout)
    (rate,) = re.findall(r"Requests/sec: +([\d.]+)", done.stdout)
    errors = sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", done.stdout)))
    cpu = used / int(count) * 1e6 if int(count) else float("nan")
    return Load(float(rate), latency("50"), latency("99"), cpu, errors)


def table(found: dict[str, dict[tuple[int, int], list[Load]]]) -> dict[str, dict[tuple[int, int], Load]]:
    """Print the medians, and give them."""
    medians: dict[str, dict[tuple[int, int], Load]] = {}
    head = "".join(f" | {rows:>3} rows, {clients} client(s): rps, p50/p99 ms, CPU us" for rows, clients in CASES)
    print(f"\n{'':<24}{head}")
    for name, cases in found.items():
        medians[name], line = {}, f"{name:<24}"
        for case, loads in cases.items():
            middle = [statistics.median(getattr(one, part) for one in loads) for part in ("rate", "p50", "p99", "cpu")]
            medians[name][case] = Load(*middle, errors=sum(one.errors for one in loads))
            one = medians[name][case]
            line += f" | {one.rate:8.0f}  {one.p50:6.2f}/{one.p99:6.1f} {one.cpu:7.0f}" + f" {one.errors} errors" * (
                one.errors > 0
            )
        print(line)
    return medians


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Load the generated service and its peers.")
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement (default: 3)")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default: 5)")
    given = parser.parse_args()
    if shutil.which("wrk") is None:
        print("serving: not measured here: wrk is not there (apt install wrk)")
        return
    prepare()
    every = servers()
    found: dict[str, dict[tuple[int, int], list[Load]]] = {s.name: {case: [] for case in CASES} for s in every}
    with ExitStack() as stack:
        for server in every:
            start(server, stack)
            load(server, 1, 4, 1)  # warm
        for number in range(given.rounds):
            print(f"round {number + 1} of {given.rounds}; load of this machine {os.getloadavg()[0]:.1f}", flush=True)
            for case in CASES:
                for server in every:
                    found[server.name][case].append(load(server, *case, given.seconds))
    medians = table(found)
    ours = medians["ours"]
    print("\nours against, as ratios of requests per second (of CPU per request, inverted):")
    for name, theirs in medians.items():
        parts = [
            f"{of_case(case)}: {ours[case].rate / theirs[case].rate:5.2f} ({theirs[case].cpu / ours[case].cpu:5.2f})"
            for case in CASES
        ]
        print(f"  {name:<24} {', '.join(parts)}")
    print("\nthe aims:")
    for name, case, aim in AIMS:
        ratio = ours[case].rate / medians[name][case].rate
        say(ratio >= aim, f"{ratio:.2f} times {name} at {of_case(case)} (aim: at least {aim:g})")
    for case in CASES:
        share = ours[case].rate / medians["ours, log off"][case].rate
        say(share >= 0.85, f"{share:.2f} of the rate without the log at {of_case(case)} (aim: at least 0.85)")
    spread = ours[1, 1].p99 / ours[1, 1].p50
    say(spread < 3, f"p99 is {spread:.2f} times p50 at {of_case((1, 1))} (aim: under 3)")


def of_case(case: tuple[int, int]) -> str:
    """Rows and clients in words."""
    return ", ".join(
        f"{count} {thing}" + "s" * (count > 1) for count, thing in zip(case, ("row", "client"), strict=True)
    )


def say(met: bool, words: str) -> None:
    """One aim."""
    print(f"  {'met' if met else 'MISSED'}: {words}")


if __name__ == "__main__":
    main()
