"""A ZIP that is made while it is sent. The library works on threads; ours, not asyncio's own.

Each chunk is made in a thread that waits for bytes from the loop, and those may come through
asyncio's few threads: were they the same, some archives at once would wait for each other for ever.
"""

import asyncio
import zlib
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from stat import S_IFREG
from typing import Any, TypeVar

from stream_zip import ZIP_64, MemberFile, stream_zip

_MODE = S_IFREG | 0o644
_ZIPPERS = ThreadPoolExecutor(16, thread_name_prefix="zip")
_END = object()

Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a ZIP: its name, its time, and its bytes as they come."""

    name: str
    at: datetime
    chunks: AsyncIterable[bytes]


async def stream_members(members: AsyncIterable[Member]) -> AsyncIterator[bytes]:
    """Yield a ZIP64's bytes. Pictures are compressed already and are only stored."""
    loop = asyncio.get_running_loop()
    chunks = iter(stream_zip(_list_files(members, loop), get_compressobj=_store))
    while True:
        chunk: Any = await loop.run_in_executor(_ZIPPERS, next, chunks, _END)
        if chunk is _END:
            return
        yield chunk


def _list_files(
    members: AsyncIterable[Member], loop: asyncio.AbstractEventLoop
) -> Iterator[MemberFile]:
    for member in _pull(members, loop):
        yield member.name, member.at, _MODE, ZIP_64, _pull(member.chunks, loop)


def _pull(things: AsyncIterable[Thing], loop: asyncio.AbstractEventLoop) -> Iterator[Thing]:
    """Iterate from a thread over what the loop gives."""
    iterator = aiter(things)

    async def find_next() -> Thing:
        return await anext(iterator)

    while True:
        try:
            yield asyncio.run_coroutine_threadsafe(find_next(), loop).result()
        except StopAsyncIteration:
            return


def _store() -> Any:
    return zlib.compressobj(level=0, wbits=-zlib.MAX_WBITS)
