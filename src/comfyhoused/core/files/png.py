"""Taking the prompt out of pictures while they stream by, whatever the chunk boundaries.

ComfyUI writes the whole workflow into its PNG files (tEXt chunks, in animated ones `comf`).
What passes is a list of chunks that pixels and colours need, so that text in any other
chunk, or behind the end of the picture, does not.
"""

from collections.abc import AsyncIterable, AsyncIterator, Iterator

from comfyhoused.core.files.headers import PNG_SIGNATURE

_KEPT = frozenset(
    name.encode()
    for name in (
        *("IHDR", "PLTE", "IDAT", "IEND", "tRNS", "acTL", "fcTL", "fdAT"),
        *("cHRM", "gAMA", "iCCP", "sBIT", "sRGB", "cICP", "mDCV", "cLLI"),
        *("bKGD", "hIST", "pHYs", "sPLT", "tIME"),
    )
)
_HEAD_BYTES = 8  # length and name
_CHECKSUM_BYTES = 4


async def strip_png_text(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Yield the same bytes without what is no part of the picture; not a PNG: all of them."""
    sieve = _Sieve()
    async for chunk in chunks:
        for piece in sieve.feed(chunk):
            yield piece
    for piece in sieve.finish():
        yield piece


class _Sieve:
    """Sans IO: bytes in, what passes out. Holds no more than the head of a chunk."""

    def __init__(self) -> None:
        self._waiting = b""  # a head, or the signature, that has not arrived wholly
        self._is_png: bool | None = None
        self._left = 0  # bytes of the present chunk still to come, checksum included
        self._is_kept = True
        self._is_last = False
        self._is_over = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what passes of the next bytes."""
        if self._is_png is None:
            self._waiting += data
            if not self._decide():
                return
            data, self._waiting = self._waiting, b""
            if self._is_png:
                yield PNG_SIGNATURE
                data = data[len(PNG_SIGNATURE) :]
        if self._is_png:
            yield from self._sift(data)
        else:
            yield data

    def finish(self) -> Iterator[bytes]:
        """Yield what was held back when the bytes end too early to tell."""
        if self._is_png is None and self._waiting:
            yield self._waiting

    def _decide(self) -> bool:
        if len(self._waiting) >= len(PNG_SIGNATURE):
            self._is_png = self._waiting.startswith(PNG_SIGNATURE)
        elif not PNG_SIGNATURE.startswith(self._waiting):
            self._is_png = False
        return self._is_png is not None

    def _sift(self, data: bytes) -> Iterator[bytes]:
        at = 0
        while at < len(data) and not self._is_over:
            if self._left == 0:
                at, head = self._take_head(data, at)
                if head:
                    yield head
                continue
            size = min(self._left, len(data) - at)
            if self._is_kept:
                yield data[at : at + size]
            at += size
            self._left -= size
            self._is_over = self._left == 0 and self._is_last

    def _take_head(self, data: bytes, at: int) -> tuple[int, bytes]:
        """Return where to go on and, once it is whole, the head of a chunk that passes."""
        size = _HEAD_BYTES - len(self._waiting)
        self._waiting += data[at : at + size]
        if len(self._waiting) < _HEAD_BYTES:
            return len(data), b""
        head, self._waiting = self._waiting, b""
        name = head[4:]
        self._left = int.from_bytes(head[:4], "big") + _CHECKSUM_BYTES
        self._is_kept = name in _KEPT
        self._is_last = name == b"IEND"
        return at + size, head if self._is_kept else b""
