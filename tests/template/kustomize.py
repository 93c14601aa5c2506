"""What the overlays use of kustomize: resources, a namespace, images by digest, merge patches; nothing else passes."""

import copy
from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]
KNOWN = {"apiVersion", "kind", "namespace", "resources", "images", "patches"}
CLUSTER_WIDE = {"Namespace"}


def build(folder: Path) -> list[Manifest]:
    """The manifests of a kustomization, in the order of its resources."""
    settings = _read(folder / "kustomization.yaml")
    assert set(settings) <= KNOWN, set(settings) - KNOWN
    assert (settings["apiVersion"], settings["kind"]) == ("kustomize.config.k8s.io/v1beta1", "Kustomization")
    found: list[Manifest] = []
    for name in settings["resources"]:
        path = folder / name
        found += build(path) if path.is_dir() else [_read(path)]
    for patch in settings.get("patches", []):
        assert set(patch) == {"path"}
        change = _read(folder / patch["path"])
        (target,) = (one for one in found if _identity(one) == _identity(change))
        found[found.index(target)] = merged(target, change)
    for image in settings.get("images", []):
        assert set(image) == {"name", "digest"}
        containers = [one for manifest in found for one in _containers(manifest) if one["image"] == image["name"]]
        assert containers, f"no container has the image {image['name']}"
        for container in containers:
            container["image"] = f"{image['name']}@{image['digest']}"
    for manifest in found:
        if manifest["kind"] not in CLUSTER_WIDE and "namespace" in settings:
            manifest["metadata"]["namespace"] = settings["namespace"]
    return found


def merged(target: Any, change: Any) -> Any:
    """A merge of mappings; a list is replaced, which is why no patch holds one."""
    if not isinstance(change, dict) or not isinstance(target, dict):
        assert not isinstance(change, list), "kustomize merges some lists; keep lists out of patches"
        return copy.deepcopy(change)
    return {
        name: merged(target.get(name), change[name]) if name in change else target[name] for name in target | change
    }


def _read(path: Path) -> Manifest:
    content: Manifest = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def _identity(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def _containers(manifest: Manifest) -> list[Manifest]:
    if manifest["kind"] != "Deployment":
        return []
    containers: list[Manifest] = manifest["spec"]["template"]["spec"]["containers"]
    return containers
