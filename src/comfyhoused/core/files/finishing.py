"""Finishing a picture on its way from a backend into our storage.

The work is done in threads, on files: the event loop goes on, and no more pictures are in
memory than there are threads, of the large ones a single one.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from comfyhoused.adapters.storage.disk import translate_errors
from comfyhoused.core.files.finish import Finish
from comfyhoused.core.files.limits import Limits
from comfyhoused.core.files.peeking import PeekedStream
from comfyhoused.core.files.recoding import recode
from comfyhoused.core.files.spool import Spool, open_spool

_LARGE_PIXELS = 6_000_000
_SMALL_ONES = ThreadPoolExecutor(2, thread_name_prefix="finish")
_LARGE_ONES = ThreadPoolExecutor(1, thread_name_prefix="finish-large")


@asynccontextmanager
async def open_finished(
    chunks: AsyncIterable[bytes], finish: Finish | None, limits: Limits
) -> AsyncIterator[AsyncIterable[bytes]]:
    """Give the bytes as they are to be kept: a still picture finished, all else unchanged.

    Without a finish the chunks stream through. The same bytes in give the same bytes out, so
    that whoever repeats it keeps the same file. Raises OutputUnreadable, OutputTooLarge,
    FileTooLarge, StorageUnavailable and what `chunks` raises.
    """
    if finish is None:
        yield chunks
        return
    stream = PeekedStream(chunks)
    header = await stream.read_header()
    if header is None or header.is_animated:
        yield stream.replay()
        return
    threads = _SMALL_ONES if header.pixels <= _LARGE_PIXELS else _LARGE_ONES
    async with (
        open_spool(limits.spool_dir) as source,
        open_spool(limits.spool_dir) as target,
    ):
        await source.fill(stream.replay(), max_bytes=limits.max_bytes)
        is_done = await _run(threads, source, target, finish, limits.max_pixels)
        yield (target if is_done else source).read()


async def _run(
    threads: ThreadPoolExecutor, source: Spool, target: Spool, finish: Finish, max_pixels: int
) -> bool:
    """Return whether the target holds the finished picture."""

    def act() -> bool:
        with translate_errors():
            return recode(source.file, target.file, finish, max_pixels=max_pixels)

    return await asyncio.get_running_loop().run_in_executor(threads, act)
