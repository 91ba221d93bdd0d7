"""A stream of bytes whose beginning can be looked at before all of it is passed on."""

from collections.abc import AsyncIterable, AsyncIterator
from io import BytesIO

from comfyhoused.core.files.headers import HeaderTruncated, ImageHeader, read_header

_HEAD_BYTES = 256 * 1024  # room for the metadata that may precede a JPEG's size


class PeekedStream:
    """Chunks, and what kind of picture they begin like."""

    def __init__(self, chunks: AsyncIterable[bytes]) -> None:
        self._chunks = aiter(chunks)
        self._head: list[bytes] = []

    async def read_header(self) -> ImageHeader | None:
        """Take as many chunks as it needs to know what this is; None for no picture of ours."""
        size = 0
        while size < _HEAD_BYTES:
            chunk = await anext(self._chunks, None)
            if chunk is None:
                break
            self._head.append(chunk)
            size += len(chunk)
            header = self._find_header()
            if header is not None:
                return header
        return self._find_header()

    def _find_header(self) -> ImageHeader | None:
        try:
            return read_header(BytesIO(b"".join(self._head)))
        except HeaderTruncated:
            return None

    async def replay(self) -> AsyncIterator[bytes]:
        """Yield every chunk from the first."""
        while self._head:
            yield self._head.pop(0)
        async for chunk in self._chunks:
            yield chunk
