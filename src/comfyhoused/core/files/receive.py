"""Taking a picture from a customer: spooled to disk, looked at, and only then stored."""

from collections.abc import AsyncIterable

from comfyhoused.adapters.redis.client import Store
from comfyhoused.adapters.storage.storage import Storage
from comfyhoused.core.files.content_types import EXTENSIONS
from comfyhoused.core.files.limits import Limits
from comfyhoused.core.files.orientation import is_turned, read_orientation
from comfyhoused.core.files.records import File, FileDraft, check_room, create_file, expect_object
from comfyhoused.core.files.spool import open_spool
from comfyhoused.core.files.verification import NotAnImage, verify_image
from comfyhoused.kit.ids import make_id


async def receive_file(
    store: Store,
    storage: Storage,
    owner: str,
    chunks: AsyncIterable[bytes],
    declared_type: str | None,
    limits: Limits,
) -> File:
    """Store a picture (PNG, JPEG, WebP) as a new input file of the owner.

    Its width and height are those it is shown in, as ComfyUI loads it (EXIF orientation).
    What the bytes are is read from them; `declared_type` only refuses what does not even
    claim to be a picture. Raises NotAnImage, EmptyFile, TruncatedImage, AnimatedImage,
    TooManyPixels, FileTooLarge, StorageExhausted, StorageUnavailable.
    """
    _check_declared(declared_type)
    await check_room(store, owner, limits.most_stored_bytes)
    async with open_spool(limits.spool_dir) as spool:
        await spool.fill(chunks, max_bytes=limits.max_bytes)
        header = await verify_image(spool.file, max_pixels=limits.max_pixels)
        width, height = header.width, header.height
        if is_turned(read_orientation(spool.file, header.content_type)):
            width, height = height, width
        file_id = make_id("file")
        key = f"inputs/{file_id}.{EXTENSIONS[header.content_type]}"
        await expect_object(store, file_id, key)
        stored = await storage.put(
            key, spool.read(), content_type=header.content_type, max_bytes=limits.max_bytes
        )
    draft = FileDraft(
        id=file_id,
        owner=owner,
        key=key,
        content_type=header.content_type,
        size_bytes=stored.size_bytes,
        hash=stored.hash,
        width=width,
        height=height,
        purpose="input",
        keep_seconds=limits.keep_seconds,
    )
    return await create_file(store, draft, most_stored_bytes=limits.most_stored_bytes)


def _check_declared(declared_type: str | None) -> None:
    kind = (declared_type or "application/octet-stream").partition(";")[0].strip().lower()
    if kind != "application/octet-stream" and not kind.startswith("image/"):
        raise NotAnImage(f"Send a PNG, JPEG or WebP picture, not {kind[:80]!r}.")
