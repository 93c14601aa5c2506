"""Push an image that lies in a folder, as `skopeo copy ... dir:FOLDER` writes it; its digest is known before."""

import hashlib
import json
from pathlib import Path

from model_review.errors import ReviewError
from model_review.files import checked, read_bytes
from model_review.release.registry import IMAGES, Manifest, Registry
from model_review.text import plain

BLOB_CAP = 20 * 2**30


def read_folder(folder: Path) -> tuple[Manifest, dict[str, Path]]:
    """The manifest, and a file for each blob, in the order in which they are pushed."""
    path = checked(folder, "manifest.json", 4 * 2**20)
    assert path is not None
    data = read_bytes(path)
    manifest = Manifest(data, "")
    content = manifest.parsed()
    kind = content.get("mediaType") or (IMAGES[0] if content.get("schemaVersion") == 2 else "")
    if kind not in IMAGES:
        raise ReviewError(f"{plain(path)} is no manifest of one image; write the folder with `skopeo copy ... dir:`.")
    try:
        names = [one["digest"] for one in (*content["layers"], content["config"])]
    except (KeyError, TypeError):
        raise ReviewError(f"{plain(path)} names no layers or no configuration.") from None
    blobs = {}
    for name in names:
        algorithm, _, digits = str(name).partition(":")
        if algorithm != "sha256" or len(digits) != 64 or not digits.isalnum():
            raise ReviewError(f"{plain(path)} names a blob that is no sha256 digest.")
        blob = checked(folder, digits, BLOB_CAP)
        assert blob is not None
        with blob.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != digits:
                raise ReviewError(f"{plain(blob)} is not what its name says; write the folder again.")
        blobs[str(name)] = blob
    return Manifest(data, str(kind)), blobs


def push(registry: Registry, folder: Path) -> Manifest:
    """Push what the registry does not hold yet; the manifest last, so that half an image is never named."""
    manifest, blobs = read_folder(folder)
    for name, file in blobs.items():
        if not registry.has_blob(name):
            registry.put_blob(name, file)
    if registry.manifest(manifest.digest) is None:
        registry.put(manifest, manifest.digest)
    return manifest


def labels_of_folder(folder: Path) -> dict[str, str]:
    """The labels, before anything is pushed."""
    manifest, blobs = read_folder(folder)
    file = blobs[manifest.parsed()["config"]["digest"]]
    found = json.loads(read_bytes(file)).get("config", {}).get("Labels") or {}
    return {str(key): str(value) for key, value in found.items()}
