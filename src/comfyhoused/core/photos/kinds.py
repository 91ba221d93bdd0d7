"""Which kind of photo it is, by its bytes: names and declared types are only what somebody says.

Raw files of cameras begin like TIFFs, and what a TIFF reader finds in them is a thumbnail.
Sources: TIFF 6.0; "TIFF/EP" (ISO 12234-2); "Digital Negative Specification" (Adobe), tag 50706;
ISO/IEC 23008-12, brands.
"""

import mmap
from collections.abc import Mapping
from typing import Any, BinaryIO

from PIL import Image, TiffImagePlugin

from comfyhoused.core.photos.errors import PhotoKindUnknown
from comfyhoused.core.photos.shapes import PhotoKind
from comfyhoused.core.photos.tiff_structure import Tiff, TiffBroken

_HEIC_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"))
_AVIF_BRANDS = frozenset((b"avif", b"avis"))
_RAW = "It is a camera's raw file. Export it as JPEG or TIFF first."
_OTHERS = (
    (b"GIF8", 0, "It is a GIF."),
    (b"BM", 0, "It is a BMP."),
    (b"%PDF", 0, "It is a PDF."),
    (b"8BPS", 0, "It is a Photoshop document. Export it as TIFF, PNG or JPEG."),
    (b"\xff\x0a", 0, "It is a JPEG XL."),
    (b"\x00\x00\x00\x0cJXL ", 0, "It is a JPEG XL."),
    (b"\x00\x00\x00\x0cjP  ", 0, "It is a JPEG 2000."),
    (b"FUJIFILMCCD-RAW", 0, _RAW),
    (b"IIRO", 0, _RAW),
    (b"IIU\x00", 0, _RAW),
    (b"ftypcrx", 4, _RAW),
    (b"ftypavif", 4, "It is an AVIF."),
    (b"ftyp", 4, "It is a film."),
    (b"II+\x00", 0, "It is a BigTIFF."),
    (b"MM\x00+", 0, "It is a BigTIFF."),
)
_SUBFILE, _PHOTOMETRIC, _SAMPLE_FORMAT, _DNG_VERSION = 254, 262, 339, 50706
_EP_STANDARD = 37398
_RAW_PHOTOMETRICS = (32803, 34892)
_PLANES, _APART, _BITS = 284, 2, 258
_NEEDED = frozenset((256, 257, 258, 262))
_UNUSUAL = "It is an unusual TIFF (its numbers or their order). Export it with 8 bits."
_REDUCED = 1
_UNSIGNED, _WHITE_IS_ZERO = 1, 0


def sniff_kind(start: bytes) -> PhotoKind:
    """Return the kind that a file of at least a few dozen bytes begins like.

    Raises PhotoKindUnknown saying what else it is.
    """
    if start.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "webp"
    if start[:4] in (b"II*\x00", b"MM\x00*") and start[8:10] != b"CR":
        return "tiff"
    if start[4:8] == b"ftyp" and _is_heic(start):
        return "heic"
    raise PhotoKindUnknown(_guess(start))


def _is_heic(start: bytes) -> bool:
    size = int.from_bytes(start[:4], "big")
    brands = {start[at : at + 4] for at in (8, *range(16, min(size, len(start)), 4))}
    return start[8:12] in _HEIC_BRANDS and not brands & _AVIF_BRANDS


def _guess(start: bytes) -> str:
    if not start:
        return "The file is empty."
    if start[8:10] == b"CR" and start[:4] == b"II*\x00":
        return _RAW
    for mark, at, words in _OTHERS:
        if start[at : at + len(mark)] == mark:
            return words
    return "It is no JPEG, PNG, WebP, TIFF or HEIC photo."


def expect_broken_tiff(file: BinaryIO) -> None:
    """Raise PhotoKindUnknown where a TIFF that cannot be opened is whole: it is only unusual."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        try:
            tiff = Tiff(content)
            entries = tiff.read_directory(tiff.first).entries
        except TiffBroken:
            return
    if entries.keys() >= _NEEDED:
        raise PhotoKindUnknown(_UNUSUAL)


def check_tiff(image: Image.Image) -> None:
    """Refuse what only looks like a photo in a TIFF; raises PhotoKindUnknown."""
    assert isinstance(image, TiffImagePlugin.TiffImageFile)
    tags = image.tag_v2
    is_raw = tags.get(_PHOTOMETRIC) in _RAW_PHOTOMETRICS or _EP_STANDARD in tags
    if is_raw or _DNG_VERSION in tags or tags.get(_SUBFILE, 0) & _REDUCED:
        raise PhotoKindUnknown(_RAW)
    if image.mode == "F" or _is_unusual(tags):
        raise PhotoKindUnknown(_UNUSUAL)
    for page in range(1, image.n_frames):
        image.seek(page)
        if not image.tag_v2.get(_SUBFILE, 0) & _REDUCED:
            raise PhotoKindUnknown("It is a TIFF of several pages.")
    image.seek(0)


def _is_unusual(tags: Mapping[int, Any]) -> bool:
    """Tell whether Pillow would not read it, or would read it wrongly without saying so."""
    bits = max(tags.get(_BITS, (1,)))
    is_apart, is_negative = tags.get(_PLANES) == _APART, tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO
    is_unsigned = set(tags.get(_SAMPLE_FORMAT, (_UNSIGNED,))) == {_UNSIGNED}
    return bits > 16 or not is_unsigned or (bits > 8 and (is_apart or is_negative))
