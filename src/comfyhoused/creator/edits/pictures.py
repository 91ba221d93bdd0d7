"""The pictures of edits in our storage: where they lie, and links to them.

They lie at `creator/{user}/{edit or photo}/…`, and the rows name their keys: all that a user has
with us goes with one folder, and a Redis that was lost takes none of them along. A worker that
does a step again writes the same key again.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from comfyhoused.adapters.storage.disk import read_chunks, translate_errors, write_chunks
from comfyhoused.core.files.content_types import EXTENSIONS, make_safe_type
from comfyhoused.core.photos.shapes import Preview
from comfyhoused.creator.house import CreatorHouse

#: Far above every photo that we take: the room of a link to a disk that has none is smaller.
MOST_BYTES = 2_000_000_000


def make_folder(user_id: str, of: str = "") -> str:
    """Return the folder of all that a user has, or of one edit's or photo's pictures."""
    return f"creator/{user_id}/{of}" if of else f"creator/{user_id}"


async def put_picture(house: CreatorHouse, key: str, path: Path, content_type: str) -> None:
    """Keep the file under the key, replacing what lay there; raises StorageUnavailable."""
    await house.resources.storage.put(
        key, read_path(path), content_type=content_type, max_bytes=MOST_BYTES
    )


async def get_picture(house: CreatorHouse, key: str, path: Path) -> None:
    """Write the object to `path`; raises ObjectMissing, StorageUnavailable."""
    with translate_errors():
        file: BinaryIO = await asyncio.to_thread(path.open, "wb")
    with file:
        await write_chunks(file, house.resources.storage.read(key))


async def make_picture_link(house: CreatorHouse, key: str, filename: str = "") -> str:
    """Return an address from which the owner's browser can fetch the picture for a while."""
    settings = house.resources.settings
    return await house.resources.storage.make_link(
        key,
        expires_in_seconds=settings.storage.link_seconds,
        content_type=make_safe_type("", key),
        filename=filename or key.rpartition("/")[2],
        public_url=settings.http.base_url,
    )


async def read_path(path: Path) -> AsyncIterator[bytes]:
    """Stream a file from the disk; raises StorageUnavailable."""
    with translate_errors():
        file: BinaryIO = await asyncio.to_thread(path.open, "rb")
        size_bytes = (await asyncio.to_thread(path.stat)).st_size
    with file:
        async for chunk in read_chunks(file, size_bytes):
            yield chunk


def name_preview(folder: str, name: str, preview: Preview) -> str:
    """Return the key of a small picture in this folder; its ending tells its kind."""
    return f"{folder}/{name}.{EXTENSIONS[preview.content_type]}"
