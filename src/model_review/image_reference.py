"""A container image by digest: the only way an image is named here, because a tag may move."""

import re
from dataclasses import dataclass

from model_review.errors import ReviewError
from model_review.text import plain

FORM = re.compile(r"([a-z0-9.-]+(?::\d{1,5})?(?:/[a-z0-9._-]+)+)(?::[\w.-]{1,128})?@(sha256:[0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True)
class ImageReference:
    """Repository (with its registry) and digest."""

    name: str
    digest: str

    def __str__(self) -> str:
        """As it is pulled."""
        return f"{self.name}@{self.digest}"


def parse_image(text: str) -> ImageReference:
    """`registry/owner/name@sha256:...`; a tag before the `@` is dropped, since the digest decides."""
    match = FORM.fullmatch(text) if len(text) <= 600 else None
    if match is None:
        raise ReviewError(
            f"image {plain(text)} is not named by digest; give it as registry/owner/name@sha256:<64 digits>."
        )
    return ImageReference(match[1], match[2])
