"""EXIF, patched in place: no byte moves, so that what makers' notes point to stays where it is.

Sources: "Exif Version 3.0" (CIPA DC-008), 4.6; "Design rule for Camera File system" (interop R03).
"""

from comfyhoused.core.photos.tiff_structure import Directory, Entry, Tiff, TiffBroken

MARK = b"Exif\x00\x00"
UPRIGHT = 1

_ORIENTATION = 0x0112
_WIDTHS, _HEIGHTS = (0x0100, 0xA002), (0x0101, 0xA003)
_COLOUR_SPACE, _SRGB = 0xA001, 1
_EXIF, _INTEROPERABILITY, _INDEX = 0x8769, 0xA005, 0x0001
_ADOBE_RGB = b"R03\x00"
_THUMBNAIL_AT, _THUMBNAIL_SIZE = 0x0201, 0x0202
_NUMBER_BYTES = {3: 2, 4: 4}


def strip_mark(block: bytes) -> bytes:
    """Return a block without the six letters that stand before it in some files."""
    return block.removeprefix(MARK)


def is_start(block: bytes) -> bool:
    """Tell whether a block begins one, and does not go on with another."""
    return block[:4] in (b"II*\x00", b"MM\x00*")


def read_orientation(exif: bytes) -> int:
    """Return 1 (as stored) to 8; what is missing or makes no sense is 1."""
    try:
        tiff = Tiff(exif)
        value = tiff.find_number(tiff.read_directory(tiff.first), _ORIENTATION)
    except TiffBroken:
        return UPRIGHT
    return value if value is not None and 1 <= value <= 8 else UPRIGHT


def is_adobe_rgb(exif: bytes) -> bool:
    """Tell whether a camera says so by the interoperability index alone, without a profile."""
    try:
        tiff = Tiff(exif)
        below = tiff.find_number(tiff.read_directory(tiff.first), _EXIF)
        at = below and tiff.find_number(tiff.read_directory(below), _INTEROPERABILITY)
        index = at and tiff.read_directory(at).entries.get(_INDEX)
        return isinstance(index, Entry) and tiff.read_bytes(index) == _ADOBE_RGB
    except TiffBroken:
        return False


def patch_exif(exif: bytes, width: int, height: int, *, is_srgb: bool = False) -> bytes:
    """Return the block for an upright picture of this size, without its thumbnail.

    `is_srgb` tells that its colours were left in sRGB. What cannot be read stays as it is.
    """
    data = bytearray(exif)
    try:
        tiff = Tiff(data)
        first = tiff.read_directory(tiff.first)
        below = list(tiff.list_subdirectories(first))
    except TiffBroken:
        return exif
    _set_number(tiff, first, _ORIENTATION, UPRIGHT)
    for directory in (first, *below):
        for tag in _WIDTHS:
            _set_number(tiff, directory, tag, width)
        for tag in _HEIGHTS:
            _set_number(tiff, directory, tag, height)
        if is_srgb:
            _set_number(tiff, directory, _COLOUR_SPACE, _SRGB)
    return bytes(_drop_thumbnail(tiff, data, first))


def _set_number(tiff: Tiff, directory: Directory, tag: int, value: int) -> None:
    entry = directory.entries.get(tag)
    size = _NUMBER_BYTES.get(entry.kind, 0) if entry else 0
    if entry is None or not size or value >= 1 << 8 * size:
        return
    _write(tiff, entry.value_at, value, size)


def _write(tiff: Tiff, at: int, value: int, size: int) -> None:
    assert isinstance(tiff.data, bytearray)
    tiff.data[at : at + size] = value.to_bytes(size, "little" if tiff.order == "<" else "big")


def _drop_thumbnail(tiff: Tiff, data: bytearray, first: Directory) -> bytearray:
    """Unhang the second directory; its picture is cut off where it is last, else blanked."""
    try:
        second_at = tiff.read_number(first.next_at, 4)
        if second_at == 0:
            return data
        second = tiff.read_directory(second_at)
    except TiffBroken:
        return data
    _write(tiff, first.next_at, 0, 4)
    start = tiff.find_number(second, _THUMBNAIL_AT)
    size = tiff.find_number(second, _THUMBNAIL_SIZE)
    end = _find_end(tiff, first)
    if start is None or size is None or start + size > len(data):
        return data
    if end <= min(start, second_at):
        return data[:end]
    data[start : start + size] = bytes(size)
    return data


def _find_end(tiff: Tiff, first: Directory) -> int:
    """Return where the last byte of everything but the second directory lies."""
    end = 8
    waiting = [first]
    while waiting:
        directory = waiting.pop()
        ends = [entry.value_at + entry.size_bytes for entry in directory.entries.values()]
        end = max([end, directory.next_at + 4, *ends])
        waiting += tiff.list_subdirectories(directory)
    return end
