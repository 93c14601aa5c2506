"""`skopeo copy ... docker-archive:FILE dir:FOLDER`, for a machine with Docker and without skopeo; no other use of it.

The files are an image in Docker's format, with its layers compressed, as skopeo writes them.
"""

import gzip
import hashlib
import json
import shutil
import sys
import tarfile
from pathlib import Path
from typing import IO

KINDS = "application/vnd.docker."
GZIP = b"\x1f\x8b"


def main(arguments: list[str]) -> None:
    """Write the folder."""
    source, target = arguments[-2], arguments[-1]
    if arguments[0] != "copy" or not source.startswith("docker-archive:") or not target.startswith("dir:"):
        sys.exit("skopeo's stand-in copies a docker-archive: to a dir: and nothing else (apt install skopeo)")
    folder = Path(target.removeprefix("dir:"))
    folder.mkdir(parents=True)
    with tarfile.open(source.removeprefix("docker-archive:")) as archive:
        (image,) = json.load(_member(archive, "manifest.json"))
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{KINDS}distribution.manifest.v2+json",
            "config": _stored(folder, _member(archive, image["Config"]), f"{KINDS}container.image.v1+json"),
            "layers": [
                _stored(folder, _member(archive, name), f"{KINDS}image.rootfs.diff.tar.gzip")
                for name in image["Layers"]
            ],
        }
    (folder / "manifest.json").write_bytes(json.dumps(manifest, indent=2).encode())


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    found = archive.extractfile(name)
    assert found is not None
    return found


def _stored(folder: Path, data: IO[bytes], kind: str) -> dict[str, object]:
    """Keep it under its digest; what is a layer and not compressed yet is compressed."""
    beside = folder / "beside"
    plain = kind.endswith("gzip") and data.read(len(GZIP)) != GZIP
    data.seek(0)
    with beside.open("wb") as file:
        if plain:  # the same bytes every time
            with gzip.GzipFile("", "wb", compresslevel=5, fileobj=file, mtime=0) as packed:
                shutil.copyfileobj(data, packed)
        else:
            shutil.copyfileobj(data, file)
    with beside.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    size = beside.stat().st_size
    beside.rename(folder / digest)
    return {"mediaType": kind, "size": size, "digest": f"sha256:{digest}"}


if __name__ == "__main__":
    main(sys.argv[1:])
