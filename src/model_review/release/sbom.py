"""A CycloneDX list of the Python packages in the image, from the hashed requirements that it was installed from."""

import json
import re
import uuid
from typing import Any

from model_review import __version__
from model_review.errors import ReviewError
from model_review.text import plain

PIN = re.compile(r"([A-Za-z0-9][\w.-]*)(?:\[[\w,.-]*\])?==([^\s;]+)(?:\s*;\s*(.+))?$")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def sbom(where: str, requirements: str, name: str, version: str, digest: str) -> str:
    """CycloneDX 1.5. Same requirements and image, same bytes."""
    components: list[dict[str, Any]] = []
    for number, line in enumerate(requirements.splitlines(), 1):
        hashes = [{"alg": "SHA-256", "content": value} for value in HASH.findall(line)]
        pinned = HASH.sub("", line).rstrip("\\ \t").strip()
        if pinned and not pinned.startswith("#"):
            match = PIN.match(pinned)
            if match is None:
                raise ReviewError(f"{where}, line {number}: no pin such as name==1.0; export it with uv export.")
            components.append(_component(match[1], match[2], match[3]))
        if hashes and components:
            components[-1].setdefault("hashes", []).extend(hashes)
    if not components:
        raise ReviewError(f"{where} pins nothing; export it with uv export.")
    subject = {"type": "container", "name": plain(name), "version": plain(version)}
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, digest)}",
        "version": 1,
        "metadata": {
            "component": subject | {"hashes": [{"alg": "SHA-256", "content": digest.removeprefix("sha256:")}]},
            "tools": {"components": [{"type": "application", "name": "model-review", "version": __version__}]},
        },
        "components": components,
    }
    return json.dumps(document, indent=1) + "\n"


def _component(name: str, version: str, marker: str | None) -> dict[str, Any]:
    normal = re.sub(r"[-_.]+", "-", name).lower()
    reference = f"pkg:pypi/{normal}@{version}"
    found: dict[str, Any] = {
        "type": "library",
        "bom-ref": reference,
        "name": normal,
        "version": version,
        "purl": reference,
    }
    if marker:  # whether it is in this image depends on its platform
        found |= {"scope": "optional", "properties": [{"name": "model-review:marker", "value": plain(marker)}]}
    return found
