"""Taking the prompt out of WebP files while they stream by.

ComfyUI's animated WebP files carry the workflow in their EXIF chunk. A WebP announces its
length at the start, so that nothing can be cut out of a stream: EXIF and XMP chunks are
renamed to JUNK, which readers must ignore, and filled with zeros instead.
Source: "WebP Container Specification".
"""

from collections.abc import AsyncIterable, AsyncIterator, Iterator

_HEAD_BYTES = 12  # RIFF, length, WEBP
_CHUNK_HEAD_BYTES = 8  # name, length
_HIDDEN = (b"EXIF", b"XMP ")
_METADATA_FLAGS = 0x08 | 0x04  # in the first byte of VP8X: "has EXIF", "has XMP"


async def strip_webp_text(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Yield as many bytes, those of metadata blanked; not a WebP: all of them unchanged."""
    blanker = _Blanker()
    async for chunk in chunks:
        for piece in blanker.feed(chunk):
            yield piece
    for piece in blanker.finish():
        yield piece


class _Blanker:
    """Sans IO: bytes in, as many bytes out. Holds no more than a head."""

    def __init__(self) -> None:
        self._waiting = b""
        self._is_webp: bool | None = None
        self._name = b""
        self._left = 0  # bytes of the present chunk still to come, padding included
        self._is_at_start = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what is ready of the next bytes."""
        if self._is_webp is False:
            yield data
            return
        data, self._waiting = self._waiting + data, b""
        if self._is_webp is None:
            if len(data) < _HEAD_BYTES and _may_be_webp(data):
                self._waiting = data
                return
            self._is_webp = len(data) >= _HEAD_BYTES and _may_be_webp(data)
            if not self._is_webp:
                yield data
                return
            yield data[:_HEAD_BYTES]
            data = data[_HEAD_BYTES:]
        yield from self._blank(data)

    def finish(self) -> Iterator[bytes]:
        """Yield what was held back when the bytes end inside a head."""
        if self._waiting:
            yield self._waiting

    def _blank(self, data: bytes) -> Iterator[bytes]:
        at = 0
        while at < len(data):
            if self._left == 0:
                if len(data) - at < _CHUNK_HEAD_BYTES:
                    self._waiting = data[at:]
                    return
                yield self._open_chunk(data[at : at + _CHUNK_HEAD_BYTES])
                at += _CHUNK_HEAD_BYTES
                continue
            body = data[at : at + self._left]
            yield self._change(body)
            at += len(body)
            self._left -= len(body)

    def _open_chunk(self, head: bytes) -> bytes:
        self._name = head[:4]
        size = int.from_bytes(head[4:], "little")
        self._left = size + size % 2
        self._is_at_start = True
        return b"JUNK" + head[4:] if self._name in _HIDDEN else head

    def _change(self, body: bytes) -> bytes:
        is_at_start, self._is_at_start = self._is_at_start, False
        if self._name in _HIDDEN:
            return bytes(len(body))
        if self._name == b"VP8X" and is_at_start:
            return bytes([body[0] & ~_METADATA_FLAGS & 0xFF]) + body[1:]
        return body


def _may_be_webp(data: bytes) -> bool:
    return b"RIFF".startswith(data[:4]) and b"WEBP".startswith(data[8:12])
