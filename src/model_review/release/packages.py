"""The Debian packages of an image that lies in a folder, as dpkg's own records in its layers name them."""

import gzip
import lzma
import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from model_review.errors import ReviewError
from model_review.release.push import read_folder
from model_review.text import plain

STATUS, PARTS = "var/lib/dpkg/status", "var/lib/dpkg/status.d/"  # the second as distroless images have it
RELEASES = ("usr/lib/os-release", "etc/os-release")
REMOVED, EMPTIED = ".wh.", ".wh..wh..opq"  # how a layer says that a file of a lower one is gone
CAP = 64 * 2**20
FAULTS = (tarfile.TarError, OSError, EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError)


@dataclass(frozen=True, order=True)
class Package:
    """One installed package."""

    name: str
    version: str
    architecture: str


@dataclass(frozen=True)
class System:
    """What an image is made on: `ID` and `VERSION_ID` of its os-release, and its packages in order of name."""

    name: str
    version: str
    packages: list[Package]


def system(folder: Path) -> System:
    """Read the layers, the lowest first; an image without dpkg has no packages here."""
    manifest, blobs = read_folder(folder)
    files: dict[str, bytes] = {}
    for layer in manifest.parsed()["layers"]:
        _lay(blobs[layer["digest"]], files)
    release = next((files[name] for name in RELEASES if files.get(name)), b"")
    known = dict(re.findall(r'^(ID|VERSION_ID)="?([\w.-]+)"?$', release.decode("utf-8", "replace"), re.MULTILINE))
    records = [data for name, data in sorted(files.items()) if name not in RELEASES]
    packages = {package for data in records for package in installed(data.decode("utf-8", "replace"))}
    return System(known.get("ID", "debian"), known.get("VERSION_ID", ""), sorted(packages))


def installed(text: str) -> Iterator[Package]:
    """The packages of a status file; those that were removed and left their configuration are none."""
    for paragraph in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^(Package|Status|Version|Architecture): *(\S.*?) *$", paragraph, re.MULTILINE))
        if "Package" in fields and "Version" in fields and fields.get("Status", "installed").split()[-1] == "installed":
            named = (fields["Package"], fields["Version"], fields.get("Architecture", "all"))
            yield Package(*(plain(one) for one in named))


def _lay(layer: Path, files: dict[str, bytes]) -> None:
    """What one layer makes of the files that say which packages there are."""
    try:
        with tarfile.open(layer, "r|*") as members:
            for member in members:
                name = member.name.removeprefix("./").lstrip("/")
                folder, _, last = name.rpartition("/")
                if last == EMPTIED or last.startswith(REMOVED):
                    gone = f"{folder}/" if last == EMPTIED else f"{folder}/{last.removeprefix(REMOVED)}"
                    _remove(files, gone.lstrip("/"))
                elif name == STATUS or name in RELEASES or name.startswith(PARTS):
                    stream = members.extractfile(member) if member.isfile() else None
                    if stream is None or last.endswith(".md5sums"):
                        continue
                    if member.size > CAP:
                        raise ReviewError(
                            f"{plain(layer)}: {plain(name)} is larger than {CAP:,} bytes; it is not read."
                        )
                    files[name] = stream.read(CAP)
    except FAULTS as error:
        raise ReviewError(
            f"{plain(layer)} is no layer that can be read ({plain(error)}); write the folder with "
            "`skopeo copy --dest-compress ... dir:`, which packs layers with gzip."
        ) from None


def _remove(files: dict[str, bytes], gone: str) -> None:
    for name in [one for one in files if one == gone or one.startswith(gone.rstrip("/") + "/")]:
        del files[name]
