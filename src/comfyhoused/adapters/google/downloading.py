"""Fetching a file's bytes: streamed to disk, resumed where it broke off, compared at the end."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import BinaryIO

from comfyhoused.adapters.google.checksums import compute_md5
from comfyhoused.adapters.google.documents import DriveFile
from comfyhoused.adapters.google.errors import DriveFileChanged, DriveUnreachable
from comfyhoused.adapters.google.wire import Call, Parameters, Wire
from comfyhoused.kit.log import get_logger

_log = get_logger(__name__)

_GOOD = frozenset({200, 206, 416})
_PART_BYTES = 256 * 1024  # what is lost where a transfer breaks off

GetFile = Callable[[str], Awaitable[DriveFile]]


async def download(wire: Wire, get_file: GetFile, url: str, file: DriveFile, target: Path) -> None:
    """Write the bytes of `file` to `target`; raises DriveFileChanged where it has others now."""
    with target.open("wb") as sink:
        while sink.tell() < file.size_bytes:
            before = sink.tell()
            await wire.insist(lambda: _fetch_rest(wire, url, file, sink), is_safe_twice=True)
            if sink.tell() == before:
                break  # it has become shorter
    if await asyncio.to_thread(_is_whole, file, target):
        return
    now = await get_file(file.id)
    if now.revision != file.revision or now.md5 != file.md5:
        raise DriveFileChanged(f"{file.name} was changed while it was fetched.")
    if (await asyncio.to_thread(target.stat)).st_size != file.size_bytes:
        raise DriveUnreachable(f"Google sent another number of bytes for {file.name} than it has.")
    # Photos that were born in Google Photos may carry a wrong checksum: nothing to wait for.
    _log.warning("the checksum that Google states for file %s is not that of its bytes", file.id)


async def _fetch_rest(wire: Wire, url: str, file: DriveFile, sink: BinaryIO) -> None:
    """Append what is missing. What was written before the transfer broke off is kept."""
    start = sink.tell()
    # Packed bytes could not be taken up in the middle.
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    parameters: Parameters = {"alt": "media", "supportsAllDrives": True}
    call = Call("GET", url, parameters, headers=headers, good=_GOOD)
    async with wire.open(call) as response:
        if response.status_code == 416:
            return
        if response.status_code == 200 and start:
            sink.seek(0)
            sink.truncate()
        async for part in response.aiter_bytes(_PART_BYTES):
            if sink.tell() + len(part) > file.size_bytes:
                raise DriveFileChanged(f"{file.name} has grown since it was looked at.")
            await asyncio.to_thread(sink.write, part)


def _is_whole(file: DriveFile, target: Path) -> bool:
    if target.stat().st_size != file.size_bytes:
        return False
    return not file.md5 or compute_md5(target) == file.md5
