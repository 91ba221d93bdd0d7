"""Streaming to and from an open file without blocking the event loop or filling memory."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from comfyhoused.adapters.storage.storage import ObjectMissing, StorageUnavailable

_WRITE_BYTES = 512 * 1024
_READ_BYTES = 256 * 1024


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise what the disk reports as StorageUnavailable."""
    try:
        yield
    except OSError as error:
        raise StorageUnavailable(f"The disk says: {error.strerror}.") from error


@contextmanager
def translate_read_errors() -> Iterator[None]:
    """Raise ObjectMissing where there is nothing to read, else as translate_errors."""
    try:
        with translate_errors():
            yield
    except StorageUnavailable as error:
        if isinstance(error.__cause__, FileNotFoundError | IsADirectoryError | NotADirectoryError):
            raise ObjectMissing("There is no such file in the store.") from error
        raise


async def gather_chunks(chunks: AsyncIterable[bytes]) -> AsyncIterator[list[bytes]]:
    """Yield chunks half a megabyte at a time, so that a thread is asked seldom."""
    waiting: list[bytes] = []
    waiting_bytes = 0
    async for chunk in chunks:
        waiting.append(chunk)
        waiting_bytes += len(chunk)
        if waiting_bytes >= _WRITE_BYTES:
            yield waiting
            waiting, waiting_bytes = [], 0
    if waiting:
        yield waiting


async def write_chunks(file: BinaryIO, chunks: AsyncIterable[bytes]) -> None:
    """Write all chunks, half a megabyte at a time; raises StorageUnavailable."""
    async for some in gather_chunks(chunks):
        with translate_errors():
            await asyncio.to_thread(_write, file, some)


async def read_chunks(file: BinaryIO, size_bytes: int) -> AsyncIterator[bytes]:
    """Stream at most so many bytes from where the file stands; raises StorageUnavailable."""
    left = size_bytes
    while left > 0:
        with translate_errors():
            chunk = await asyncio.to_thread(file.read, min(left, _READ_BYTES))
        if not chunk:
            return
        left -= len(chunk)
        yield chunk


def _write(file: BinaryIO, chunks: list[bytes]) -> None:
    file.writelines(chunks)
    file.flush()
