"""A small trained run, and services for it that are all well or wrong in one way."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pandas as pd
from loopback import listening

from model_review.files import digest

SECRET = "secret-quince@example.org"  # pragma: allowlist secret
CONTRACT = """kind: DataContract
apiVersion: v3.2.0
id: shop
schema:
  - name: orders
    logicalType: object
    customProperties:
      - {property: decimal, value: ","}
      - {property: missingValues, value: ["", "NA"]}
      - {property: rowKey, value: [mail]}
      - {property: task, value: binary}
    properties:
      - name: mail
        logicalType: string
        required: true
        classification: restricted
        customProperties: [{property: roles, value: [unused]}]
      - name: amount
        logicalType: number
        required: true
        logicalTypeOptions: {minimum: 0, maximum: 100}
        customProperties: [{property: roles, value: [feature]}]
      - name: items
        logicalType: integer
        logicalTypeOptions: {minimum: 1}
        customProperties: [{property: roles, value: [feature]}]
      - name: region
        logicalType: string
        required: true
        enum: [{value: north}, {value: south}]
        customProperties: [{property: roles, value: [feature]}]
      - name: gift
        logicalType: boolean
        customProperties:
          - {property: roles, value: [feature]}
          - {property: trueValues, value: ["ja"]}
          - {property: falseValues, value: ["nein"]}
      - name: ordered
        logicalType: date
        required: true
        logicalTypeOptions: {minimum: "2024-01-01", maximum: "2024-12-31"}
        customProperties:
          - {property: roles, value: [feature]}
          - {property: dateFormats, value: ["%d.%m.%Y"]}
      - name: note
        logicalType: string
        logicalTypeOptions: {maxLength: 30}
        customProperties: [{property: roles, value: [feature]}, {property: text, value: true}]
      - name: kept
        logicalType: string
        required: true
        enum: [{value: "no"}, {value: "yes"}]
        customProperties:
          - {property: roles, value: [target]}
          - {property: positiveClass, value: "yes"}
"""
FEATURES = ["amount", "items", "region", "gift", "ordered", "note"]
TYPES = {"amount": "number", "items": "integer", "gift": "boolean"}
LIMITS: dict[str, dict[str, Any]] = {
    "amount": {"minimum": 0, "maximum": 100},
    "items": {"minimum": 1},
    "region": {"enum": ["north", "south"]},
    "note": {"maxLength": 30},
}
REQUIRED = {"amount", "region", "ordered"}


def score(row: dict[str, Any]) -> float:
    """The model: a probability that depends on every column."""
    weight = row["amount"] / 200 + (row.get("items") or 0) / 100 + (0.1 if row["region"] == "north" else 0.0)
    return (
        weight + (0.05 if row.get("gift") else 0.0) + len(row.get("note") or "") / 1000 + int(row["ordered"][:2]) / 500
    )


def write_run(folder: Path, rows: int = 120, noise: float | None = None) -> Path:
    """A run directory of this model; with `noise`, the truth follows its scores, and the model sees them blurred."""
    folder.mkdir(parents=True)
    table = pd.DataFrame(
        {
            "row_id": [f"{number:05d}-0" for number in range(rows)],
            "mail": [f"{number}-{SECRET}" for number in range(rows)],
            "amount": [f"{number % 100},5" if number % 100 < 99 else "99,0" for number in range(rows)],
            "items": ["" if number % 7 == 0 else str(1 + number % 9) for number in range(rows)],
            "region": ["north" if number % 3 else "south" for number in range(rows)],
            "gift": [("ja", "nein", "NA")[number % 3] for number in range(rows)],
            "ordered": [f"{1 + number % 28:02d}.05.2024" for number in range(rows)],
            "note": [f" {SECRET[:12]} " if number % 2 else "" for number in range(rows)],
            "kept": ["yes" if number % 2 else "no" for number in range(rows)],
        }
    )
    scores = [score(typed(row)) for row in table.to_dict("records")]
    if noise is not None:
        table["kept"] = ["yes" if one >= 0.4 else "no" for one in scores]
        scores = [blurred(row, noise) for row in map(typed, table.to_dict("records"))]
        (folder / "noise").write_text(str(noise))
    answers = pd.DataFrame({"row_id": table["row_id"], "scenario": "test", "y_true": table["kept"], "score": scores})
    answers["y_pred"] = ["yes" if one >= 0.4 else "no" for one in scores]
    table.to_parquet(folder / "evaluation.parquet", index=False)
    answers.to_parquet(folder / "predictions.parquet", index=False)
    (folder / "contract.yaml").write_text(CONTRACT, encoding="utf-8")
    truth = hashlib.sha256(str(noise).encode()).hexdigest() if noise is not None else "a" * 64
    model = {"path": "model", "format": "none", "bytes": 1, "digest": f"sha256:{truth}"}
    record = {"schema": "model-review/run@1", "task": "binary", "target": "kept", "classes": ["no", "yes"]}
    record |= {"positive_class": "yes", "threshold": 0.4, "features": FEATURES, "model": model, "commit": "c" * 40}
    record |= {"contract_digest": digest(CONTRACT.encode())}
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


def blurred(row: dict[str, Any], noise: float) -> float:
    """The score of a model that sees less: moved by up to `noise`, the same for the same row."""
    chance = int(hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()[:8], 16) / 2**32
    return min(max(score(row) + noise * (2 * chance - 1), 0.0), 1.0)


def typed(row: dict[Any, Any]) -> dict[str, Any]:
    """A row of the table as the model reads it."""
    return {
        "amount": float(row["amount"].replace(",", ".")),
        "items": int(row["items"]) if row["items"] else None,
        "region": row["region"],
        "gift": {"ja": True, "nein": False, "NA": None}[row["gift"]],
        "ordered": row["ordered"],
        "note": row["note"].strip() or None,
    }


def openapi() -> dict[str, Any]:
    """The document of a service that is all well."""
    properties: dict[str, Any] = {}
    for name in FEATURES:
        kind = {"type": TYPES.get(name, "string")} | LIMITS.get(name, {})
        properties[name] = kind if name in REQUIRED else {"anyOf": [kind, {"type": "null"}]}
    row = {"type": "object", "properties": properties, "required": sorted(REQUIRED)}
    body = {"type": "object", "properties": {"rows": {"type": "array", "items": {"$ref": "#/components/schemas/Row"}}}}
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Rows"}}}
    schemas = {"Row": row, "Rows": body}
    return {"paths": {"/predict": {"post": {"requestBody": {"content": content}}}}, "components": {"schemas": schemas}}


@dataclass
class Service:
    """What a service does, and every request that it was sent."""

    ready: int = 200
    status: int = 200
    delay: float = 0.0
    shift: float = 0.0
    html: bool = False
    lenient: bool = False
    flip: bool = False
    echo: bool = False
    documents: dict[str, Any] = field(default_factory=openapi)
    noise: float = 0.0
    model: str | None = "sha256:" + "a" * 64
    token: str = ""
    says: str = ""
    denied: int = 0
    bodies: list[bytes] = field(default_factory=list)

    def answer(self, body: bytes) -> tuple[int, Any]:
        """Status and content for POST /predict."""
        self.bodies.append(body)
        if self.echo:
            return 500, {"error": body.decode()}
        if self.status != 200:
            return self.status, {}
        try:
            rows = json.loads(body)["rows"]
            broken = not isinstance(rows, list) or not rows or any(map(_broken, rows))
        except (ValueError, KeyError, TypeError):
            broken, rows = True, []
        if broken and not self.lenient:
            return 400, {"error": "the rows break the contract"}
        if broken:
            return 200, {"predictions": [], "probabilities": {}}
        scores = [blurred(row, self.noise) + self.shift for row in rows]
        labels = [self.says or "yes" if (one >= 0.4) != self.flip else "no" for one in scores]
        return 200, {"predictions": labels, "probabilities": {"no": [1 - one for one in scores], "yes": scores}}


def _broken(row: dict[str, Any]) -> bool:
    try:
        amount, items, gift = row["amount"], row.get("items"), row.get("gift")
        date = time.strptime(row["ordered"], "%d.%m.%Y")
        return not (
            set(row) <= set(FEATURES)
            and isinstance(amount, int | float)
            and 0 <= amount <= 100
            and (items is None or (isinstance(items, int) and items >= 1))
            and row["region"] in ("north", "south")
            and gift in (None, True, False)
            and date.tm_year == 2024
            and isinstance(row.get("note") or "", str)
            and len(row.get("note") or "") <= 30
        )
    except (KeyError, TypeError, ValueError):
        return True


@contextmanager
def serve(service: Service, port: int = 0) -> Iterator[str]:
    """Serve it on this machine, and give the URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *arguments: Any) -> None:
            pass

        def do_GET(self) -> None:
            if self.path == "/readyz":
                self.say(service.ready, {})
            elif self.refused():
                self.say(401, {})
            elif self.path == "/docs.json" and not service.html:
                self.say(200, service.documents)
            elif self.path == "/model" and service.model:
                self.say(200, {"model": {"digest": service.model}})
            else:
                self.say(200 if service.html else 404, "<html>It works</html>")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(service.delay)
            if self.refused():
                return self.say(401, {})
            return self.say(*((200, "<html>It works</html>") if service.html else service.answer(body)))

        def refused(self) -> bool:
            given = self.headers.get("Authorization")
            wrong = given != (f"Bearer {service.token}" if service.token else None)
            service.denied += wrong
            return wrong

        def say(self, status: int, content: Any) -> None:
            data = content.encode() if isinstance(content, str) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    with listening(Handler, port) as host:
        yield f"http://{host}"


Prober = Callable[..., tuple[int, dict[str, Any]]]
