"""What is said of photos: before, in between, and after."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

PhotoKind = Literal["jpeg", "png", "webp", "tiff", "heic"]

CONTENT_TYPES: dict[PhotoKind, str] = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "tiff": "image/tiff",
    "heic": "image/heic",
}

#: File name endings by kind, the usual one first.
ENDINGS: dict[PhotoKind, tuple[str, ...]] = {
    "jpeg": ("jpg", "jpeg", "jpe"),
    "png": ("png",),
    "webp": ("webp",),
    "tiff": ("tif", "tiff"),
    "heic": ("heic", "heif", "hif"),
}

#: What a result could not keep of its original; docs/creator/photos.md has a line for each.
Note = Literal[
    "eight_bits",
    "heic_as_jpeg",
    "hdr_part_dropped",
    "in_srgb",
    "metadata_dropped",
    "transparent_as_png",
    "webp_with_loss",
]


@dataclass(frozen=True, slots=True)
class PhotoFacts:
    """What a photo's header says.

    `width` and `height` are as it is shown, upright; `orientation` is the EXIF value as stored
    (1 for HEIC, whose pixels are turned by its own boxes). `profile` is the name of its colour
    space (`sRGB` where it names none); `bits` are those of one channel.
    """

    kind: PhotoKind
    width: int
    height: int
    orientation: int
    profile: str
    bits: int
    has_alpha: bool

    @property
    def content_type(self) -> str:
        """The kind as a content type."""
        return CONTENT_TYPES[self.kind]

    @property
    def pixels(self) -> int:
        """Width × height."""
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class PreviewWanted:
    """A small picture to be made on the way: where, and its longest side in pixels."""

    target: Path
    longest: int


@dataclass(frozen=True, slots=True)
class Preview:
    """A small sRGB picture without metadata: JPEG, or WebP where it is transparent."""

    content_type: str
    width: int
    height: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class PreparedPhoto:
    """An original, of which an upright 8-bit sRGB PNG was made, and its previews as wanted."""

    facts: PhotoFacts
    previews: tuple[Preview, ...] = ()


@dataclass(frozen=True, slots=True)
class FinishedPhoto:
    """A result as it is delivered. `notes` names what it could not keep of the original."""

    kind: PhotoKind
    width: int
    height: int
    size_bytes: int
    notes: tuple[Note, ...] = ()
    previews: tuple[Preview, ...] = ()

    @property
    def content_type(self) -> str:
        """The kind as a content type."""
        return CONTENT_TYPES[self.kind]
