"""Members of an artifact that anybody may have made: read in memory, by name, and never more than a cap of them."""

import io
import stat
import struct
import zipfile
import zlib

from model_review.errors import ReviewError
from model_review.text import plain

CAP = 4 * 2**20
MEMBERS = 100
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OSError,
)


def read_member(archive: bytes, name: str, cap: int = CAP) -> bytes:
    """The only member of an artifact. Whatever else is in it was not put there by our workflow, and is refused."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            members = opened.infolist()
            if len(members) > MEMBERS:
                raise ReviewError(f"The artifact holds {len(members):,} files; it may hold {name} alone.")
            for member in members:
                _check(member, name, cap)
            if len(members) != 1:
                raise ReviewError(f"The artifact holds {name} {len(members)} times; it must hold it once.")
            with opened.open(members[0]) as stream:
                data = stream.read(cap + 1)
    except BROKEN as error:
        raise ReviewError(
            f"The artifact is no archive that can be read: {plain(error) or 'it is cut short'}."
        ) from None
    if len(data) > cap:
        raise ReviewError(f"{name} in the artifact is larger than {cap:,} bytes; more is not read.")
    return data


def _check(member: zipfile.ZipInfo, name: str, cap: int) -> None:
    found = member.orig_filename
    shown, mode = plain(found), member.external_attr >> 16
    if stat.S_ISLNK(mode):
        raise ReviewError(f"The artifact holds {shown}, which is a link; links are not followed.")
    if found.startswith("/") or "\\" in found or ".." in found.split("/"):
        raise ReviewError(f"The artifact holds {shown}, which leads out of its folder.")
    if found != name or stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise ReviewError(f"The artifact holds {shown}; it may hold {name} alone, as a plain file.")
    if member.flag_bits & 1:
        raise ReviewError(f"{name} in the artifact is encrypted; it must be plain.")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ReviewError(f"{name} in the artifact is packed in a way that is not read; use deflate.")
    if member.file_size > cap:
        raise ReviewError(f"{name} in the artifact has {member.file_size:,} bytes; at most {cap:,} are read.")
