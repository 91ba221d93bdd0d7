"""An upload that ends in exactly one file: its id is taken before, and 409 says it is there."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import BinaryIO

from comfyhoused.adapters.google.checksums import compute_md5
from comfyhoused.adapters.google.documents import DriveFile, NewFile, UploadProgress
from comfyhoused.adapters.google.errors import (
    DriveFileMissing,
    DriveIdTaken,
    DriveUnreachable,
    UploadLost,
)
from comfyhoused.adapters.google.uploading import CHUNK_STEP_BYTES, SMALL_BYTES, UploadCalls

GetFile = Callable[[str], Awaitable[DriveFile]]

_CHUNK_BYTES = 32 * CHUNK_STEP_BYTES  # 8 MiB: few requests, and little to send again
_STANDSTILLS = 5


async def upload_once(
    calls: UploadCalls, get_file: GetFile, new: NewFile, content: Path
) -> DriveFile:
    """Put the file there, or find that it is; raises DriveIdTaken where the id is another's."""
    size_bytes = (await asyncio.to_thread(content.stat)).st_size
    try:
        if size_bytes <= SMALL_BYTES:
            return await calls.create_small(new, await asyncio.to_thread(content.read_bytes))
        return await _upload_large(calls, new, content, size_bytes)
    except DriveIdTaken as taken:
        return await _find_ours(get_file, new, content, taken)


async def _upload_large(
    calls: UploadCalls, new: NewFile, content: Path, size_bytes: int
) -> DriveFile:
    session_url = await calls.begin(new, size_bytes)
    try:
        return await _send_all(calls, session_url, content, size_bytes)
    except UploadLost:
        # Begun anew with the same id: where the last chunk had arrived, that answers 409.
        session_url = await calls.begin(new, size_bytes)
        return await _send_all(calls, session_url, content, size_bytes)


async def _send_all(
    calls: UploadCalls, session_url: str, content: Path, size_bytes: int
) -> DriveFile:
    """Send chunk by chunk; after a lost answer Google says how far it is."""
    position, standstills = 0, 0
    with content.open("rb") as source:
        while True:
            progress = await _send_next(calls, session_url, source, position, size_bytes)
            if progress.file is not None:
                return progress.file
            standstills = standstills + 1 if progress.position <= position else 0
            if standstills == _STANDSTILLS:
                raise DriveUnreachable(f"The upload does not get on from byte {position}.")
            position = progress.position


async def _send_next(
    calls: UploadCalls, session_url: str, source: BinaryIO, position: int, size_bytes: int
) -> UploadProgress:
    chunk = await asyncio.to_thread(_read_chunk, source, position)
    try:
        return await calls.put_chunk(session_url, chunk, position, size_bytes)
    except DriveUnreachable:
        return await calls.ask_position(session_url, size_bytes)


def _read_chunk(source: BinaryIO, position: int) -> bytes:
    source.seek(position)
    return source.read(_CHUNK_BYTES)


async def _find_ours(
    get_file: GetFile, new: NewFile, content: Path, taken: DriveIdTaken
) -> DriveFile:
    """Return the file with our id where it is the one we meant: same marks, or the same bytes."""
    try:
        found = await get_file(new.id)
    except DriveFileMissing:
        raise taken from None
    if new.app_properties:
        is_ours = new.app_properties.items() <= found.app_properties.items()
    else:
        is_ours = found.md5 == await asyncio.to_thread(compute_md5, content)
    if not is_ours:
        raise taken
    return found
