"""A CycloneDX list of an image's packages: Python's from the hashed requirements, Debian's from dpkg's own records."""

import json
import re
import urllib.parse
import uuid
from typing import Any

from model_review import __version__
from model_review.errors import ReviewError
from model_review.release.packages import Package, System
from model_review.text import plain

PIN = re.compile(r"([A-Za-z0-9][\w.-]*)(?:\[[\w,.-]*\])?==([^\s;]+)(?:\s*;\s*(.+))?$")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def sbom(where: str, requirements: str, base: System, name: str, version: str, digest: str) -> str:
    """CycloneDX 1.5. Same requirements and image, same bytes."""
    components = _pinned(where, requirements)
    if base.packages:
        known = {"type": "operating-system", "bom-ref": "operating-system", "name": base.name}
        components.append(known | ({"version": base.version} if base.version else {}))
    components += [_debian(one, base) for one in base.packages]
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


def _pinned(where: str, requirements: str) -> list[dict[str, Any]]:
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
    return components


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


def _debian(package: Package, base: System) -> dict[str, Any]:
    name, version = (urllib.parse.quote(one, safe=":~") for one in (package.name, package.version))
    # The distribution too: a scanner looks a version up in its advisories.
    distribution = f"&distro={base.name}-{base.version}" if base.version else ""
    reference = f"pkg:deb/{base.name}/{name}@{version}?arch={urllib.parse.quote(package.architecture)}{distribution}"
    found = {"type": "library", "bom-ref": reference, "name": package.name, "version": package.version}
    return found | {"purl": reference}
