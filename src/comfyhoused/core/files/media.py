"""Taking the prompt out of films and sounds while they stream by.

ComfyUI writes the whole workflow into the tags of MP4, WebM, FLAC and MP3 files. What holds tags
becomes the filler that each format has for that; no byte moves, except in MP3, whose tag stands
in front and is left out.

Sources: ISO/IEC 14496-12 (boxes `udta`, `meta`, `free`), RFC 9559 (Matroska: Tags, Void),
RFC 9639 (FLAC: metadata blocks), "ID3 tag version 2.4.0 - Main Structure".
"""

from collections.abc import AsyncIterable, AsyncIterator

from comfyhoused.core.files.walking import MOST_HEAD_BYTES, Kind, Part, Walker

_SEGMENT, _TAGS, _EBML = b"\x18\x53\x80\x67", b"\x12\x54\xc3\x67", b"\x1a\x45\xdf\xa3"
_VOID = b"\xec"
_LONGEST_SIZE = 8
_COMMENT, _APPLICATION, _PADDING, _LAST = 4, 2, 1, 0x80
_FOOTER = 0x10


async def strip_media_text(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Yield the bytes of a film or a sound without its tags; anything else unchanged."""
    walker: Walker | None = None
    head = b""
    async for chunk in chunks:
        if walker is None:
            head += chunk
            if len(head) < MOST_HEAD_BYTES:
                continue
            walker, chunk = Walker(_choose_kind(head)), head
        for piece in walker.feed(chunk):
            yield piece
    yield head if walker is None else walker.finish()


def _choose_kind(head: bytes) -> Kind:
    if head[4:8] == b"ftyp":
        return _Mp4()
    if head.startswith(_EBML):
        return _Matroska()
    if head.startswith(b"fLaC"):
        return _Flac()
    return _Mp3() if head.startswith(b"ID3") else _Other()


class _Other:
    def read_head(self, data: bytes) -> Part | None:
        return _pass_rest(data)


def _pass_rest(data: bytes) -> Part:
    return Part(len(data), data, None)


class _Mp4:
    """Boxes: length, name, body. Those of `moov` are walked through as if they stood alone."""

    def __init__(self) -> None:
        self._at = 0
        self._moov_end = 0

    def read_head(self, data: bytes) -> Part | None:
        if len(data) < 16:
            return None if data else _pass_rest(data)
        size, name, head = int.from_bytes(data[:4], "big"), data[4:8], 8
        if size == 1:
            size, head = int.from_bytes(data[8:16], "big"), 16
        if size < head:  # 0: to the end of the file; else nonsense
            return _pass_rest(data)
        is_inside = self._at < self._moov_end
        if name == b"moov" and not is_inside:
            self._moov_end = self._at + size
            self._at += head
            return Part(head, data[:head], 0)
        self._at += size
        if is_inside and name in (b"udta", b"meta"):
            shown = data[:4] + b"free" + data[8:head]
            return Part(head, shown, size - head, is_blanked=True)
        return Part(head, data[:head], size - head)


class _Matroska:
    """Elements: id, length, body. Those of the segment are walked through likewise."""

    def read_head(self, data: bytes) -> Part | None:
        if len(data) < 12:
            return None if data else _pass_rest(data)
        id_bytes = _count_bytes(data[0])
        size_bytes = _count_bytes(data[id_bytes]) if id_bytes <= 4 else 0
        if not 1 <= size_bytes <= _LONGEST_SIZE:
            return _pass_rest(data)
        head = id_bytes + size_bytes
        mask = (1 << 7 * size_bytes) - 1
        size = int.from_bytes(data[id_bytes:head], "big") & mask
        if data[:id_bytes] == _SEGMENT:
            return Part(head, data[:head], 0)
        if size == mask:  # unknown: it ends where something else begins
            return _pass_rest(data)
        if data[:id_bytes] == _TAGS:
            return Part(head, _make_void(head, size), size, is_blanked=True)
        return Part(head, data[:head], size)


def _count_bytes(first: int) -> int:
    """Return how long a number is whose first byte this is: 1 to 8, 9 where it is none."""
    return 9 - first.bit_length()


def _make_void(head: int, size: int) -> bytes:
    """Return the head of a Void element that ends where the one it replaces does."""
    width = min(head - 1, _LONGEST_SIZE)
    spare = head - 1 - width  # bytes that now belong to the body
    length = (1 << 7 * width) | (size + spare)
    return _VOID + length.to_bytes(width, "big") + bytes(spare)


class _Flac:
    """Four letters, then blocks: a flag and a type, three bytes of length, body."""

    def __init__(self) -> None:
        self._is_begun = False
        self._is_over = False

    def read_head(self, data: bytes) -> Part | None:
        if self._is_over:
            return _pass_rest(data)
        if not self._is_begun:
            self._is_begun = True
            return Part(4, data[:4], 0)
        if len(data) < 4:
            return None
        self._is_over = bool(data[0] & _LAST)
        size = int.from_bytes(data[1:4], "big")
        if data[0] & ~_LAST in (_COMMENT, _APPLICATION):
            shown = bytes([data[0] & _LAST | _PADDING]) + data[1:4]
            return Part(4, shown, size, is_blanked=True)
        return Part(4, data[:4], size)


class _Mp3:
    """A tag in front, then sound."""

    def __init__(self) -> None:
        self._is_over = False

    def read_head(self, data: bytes) -> Part | None:
        if self._is_over:
            return _pass_rest(data)
        self._is_over = True
        size = 0
        for byte in data[6:10]:
            size = size << 7 | byte & 0x7F
        footer = 10 if data[5] & _FOOTER else 0
        return Part(10, b"", size + footer, is_dropped=True)
