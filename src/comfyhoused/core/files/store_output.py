"""Keeping what a backend made: stripped, streamed into storage, with a record of its own."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator

from comfyhoused.adapters.redis.client import Store
from comfyhoused.adapters.storage.storage import Storage
from comfyhoused.core.files.content_types import EXTENSIONS, make_safe_type
from comfyhoused.core.files.media import strip_media_text
from comfyhoused.core.files.peeking import PeekedStream
from comfyhoused.core.files.places import OutputPlace
from comfyhoused.core.files.png import strip_png_text
from comfyhoused.core.files.records import (
    File,
    FileDraft,
    expect_object,
    make_draft,
)
from comfyhoused.core.files.webp import strip_webp_text


async def store_output(
    store: Store,
    storage: Storage,
    place: OutputPlace,
    chunks: AsyncIterable[bytes],
    declared_type: str,
    *,
    max_bytes: int,
    keep_seconds: int | None = None,
) -> FileDraft:
    """Store the bytes of an output; its record is due within an hour, else they go again.

    The type is read from the bytes where they are a picture, else it is the declared one if
    that is harmless. Raises FileTooLarge, StorageUnavailable, and what `chunks` raises.
    """
    stream = PeekedStream(chunks)
    header = await stream.read_header()
    content_type = header.content_type if header else make_safe_type(declared_type)
    key = place.make_key(EXTENSIONS[content_type])
    expecting = asyncio.create_task(expect_object(store, place.file_id, key))
    try:
        stored = await storage.put(
            key,
            _hold_back(_strip(stream.replay()), expecting),
            content_type=content_type,
            max_bytes=max_bytes,
        )
    except _KeptBefore as kept:
        return make_draft(kept.file)
    finally:
        expecting.cancel()
        await asyncio.gather(expecting, return_exceptions=True)
    return FileDraft(
        id=place.file_id,
        owner=place.owner,
        key=key,
        content_type=content_type,
        size_bytes=stored.size_bytes,
        hash=stored.hash,
        width=header.width if header else None,
        height=header.height if header else None,
        purpose="output",
        keep_seconds=keep_seconds,
        job_id=place.job_id,
    )


def _strip(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Pass on what is no words of the prompt; each of them looks at its own kind of file only."""
    return strip_media_text(strip_webp_text(strip_png_text(chunks)))


class _KeptBefore(Exception):
    def __init__(self, file: File) -> None:
        super().__init__(file.id)
        self.file = file


async def _hold_back(
    chunks: AsyncIterable[bytes], expecting: asyncio.Task[File | None]
) -> AsyncIterator[bytes]:
    """Pass chunks on; end only when Redis knows that the object may appear.

    An object appears when its chunks have ended, so the bytes travel meanwhile.
    """
    async for chunk in chunks:
        yield chunk
    known = await expecting
    if known is not None:
        raise _KeptBefore(known)
