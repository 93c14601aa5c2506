"""A repository in an OCI registry: manifests by digest, tags, labels, blobs."""

import json
import re
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_review.errors import ReviewError
from model_review.files import digest as digest_of
from model_review.release.transport import CAP, RegistryError, Transport
from model_review.text import plain

INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
IMAGES = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
NAME = re.compile(r"([a-z0-9.-]+(?::\d{1,5})?)/([a-z0-9._-]+(?:/[a-z0-9._-]+)*)", re.ASCII)
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)


@dataclass(frozen=True)
class Manifest:
    """A manifest as the registry holds it."""

    data: bytes
    media_type: str

    @property
    def digest(self) -> str:
        """What it is named by."""
        return digest_of(self.data)

    def parsed(self) -> dict[str, Any]:
        """Its content."""
        try:
            found = json.loads(self.data)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ReviewError(f"The manifest {self.digest} is no JSON object; push the image again.")
        return found


class Registry:
    """One repository. Nothing is kept: every question is asked anew, so that another's change is seen."""

    def __init__(self, name: str, transport: Transport | None = None) -> None:
        """`name` is `registry/owner/name`, without tag and digest."""
        match = NAME.fullmatch(name) if len(name) <= 500 else None
        if match is None:
            raise ReviewError(f"image {plain(name)} is no name of an image; give it as registry/owner/name.")
        self.name = name
        self._to = transport or Transport(match[1], match[2])

    def manifest(self, reference: str) -> Manifest | None:
        """By digest or tag; None where there is none. What came is what was asked for, or refused."""
        headers = {"Accept": ", ".join((*IMAGES, *INDEXES))}
        try:
            reply = self._to.call("GET", f"/manifests/{reference}", headers=headers, allowed=(200,))
        except RegistryError as error:
            if error.status == 404:
                return None
            raise
        found = Manifest(reply.body, reply.headers.get("content-type", "").partition(";")[0].strip())
        if len(reply.body) > CAP:
            raise ReviewError(f"The manifest {plain(reference)} is larger than {CAP:,} bytes; more is not read.")
        if reference.startswith("sha256:") and found.digest != reference:
            raise ReviewError(f"{self.name} gave another manifest than {reference}; nothing was changed.")
        return found

    def resolve(self, tag: str) -> str | None:
        """The digest behind a tag."""
        found = self.manifest(tag)
        return None if found is None else found.digest

    def tag(self, manifest: Manifest, tag: str) -> bool:
        """Let a tag name this manifest; False where it did already."""
        if self.resolve(tag) == manifest.digest:
            return False
        self.put(manifest, tag)
        return True

    def put(self, manifest: Manifest, reference: str) -> None:
        """Store a manifest under a tag or its digest."""
        headers = {"Content-Type": manifest.media_type}
        self._to.call("PUT", f"/manifests/{reference}", data=manifest.data, headers=headers)

    def tags(self) -> list[str]:
        """Every tag."""
        found: list[str] = []
        path = "/tags/list?n=1000"
        for _ in range(100):
            try:
                reply = self._to.call("GET", path, allowed=(200,))
            except RegistryError as error:
                if error.status == 404:
                    return []
                raise
            found += [one for one in json.loads(reply.body).get("tags") or [] if isinstance(one, str)]
            following = re.search(r'<([^<>]+)>;\s*rel="?next"?', reply.headers.get("link", ""))
            if following is None:
                break
            query = urllib.parse.urlsplit(following[1]).query
            path = f"/tags/list?{query}"
        return found

    def labels(self, manifest: Manifest) -> dict[str, str]:
        """The labels in the image's configuration; of an index, those of its first platform."""
        content = manifest.parsed()
        if manifest.media_type in INDEXES:
            inner = self.manifest(_first_platform(content))
            if inner is None:
                raise ReviewError(f"{self.name}@{manifest.digest} names a manifest that is not there; push it again.")
            content = inner.parsed()
        config = content.get("config")
        name = config.get("digest") if isinstance(config, dict) else None
        if not isinstance(name, str) or not re.fullmatch(r"sha256:[0-9a-f]{64}", name):
            raise ReviewError(f"{self.name}@{manifest.digest} is no image: its manifest names no configuration.")
        reply = self._to.call("GET", f"/blobs/{name}", allowed=(200,))
        if digest_of(reply.body) != name:
            raise ReviewError(f"{self.name}@{manifest.digest}: the configuration is not what its digest says.")
        try:
            labels = json.loads(reply.body).get("config", {}).get("Labels") or {}
            return {str(key): str(value) for key, value in labels.items()}
        except (ValueError, AttributeError, RecursionError):
            raise ReviewError(f"{self.name}@{manifest.digest}: the configuration is not valid JSON.") from None

    def has_blob(self, digest: str) -> bool:
        """Whether the registry holds the whole blob."""
        # Before the first push some registries say "denied" of what is not there; the upload then says what is meant.
        return self._to.call("HEAD", f"/blobs/{digest}", allowed=(200, 403, 404)).status == 200

    def put_blob(self, digest: str, file: Path) -> None:
        """Upload a blob in one piece; the registry checks it against its digest and keeps no part of it."""
        begun = self._to.call("POST", "/blobs/uploads/", data=b"", allowed=(202,))
        where = urllib.parse.urljoin(f"{self._to.origin}/v2/", begun.headers.get("location", ""))
        if not where.startswith(f"{self._to.origin}/"):
            raise ReviewError(f"The registry of {self.name} sends uploads to another host; they are not followed.")
        joint = "&" if urllib.parse.urlsplit(where).query else "?"
        headers = {"Content-Type": "application/octet-stream"}
        url = f"{where}{joint}{urllib.parse.urlencode({'digest': digest})}"
        try:
            self._to.call("PUT", url, data=file, headers=headers, allowed=(201,))
        except RegistryError as error:
            # A try whose answer was lost may have stored the blob; the next one then finds its upload gone.
            if error.status != 404 or not self.has_blob(digest):
                raise


def _first_platform(index: dict[str, Any]) -> str:
    """The first entry that is an image; attestations stand there as platform unknown."""
    for entry in index.get("manifests") or []:
        known = isinstance(entry, dict) and isinstance(entry.get("digest"), str)
        if known and (entry.get("platform") or {}).get("os") != "unknown":
            return str(entry["digest"])
    raise ReviewError("The image index names no image; push the image again.")


def checked_tag(tag: str) -> str:
    """A tag's name, as registries take it."""
    if not TAG.fullmatch(tag):
        raise ReviewError(f"{plain(tag)} is no tag; letters, digits and . _ - are, at most 128 of them.")
    return tag
