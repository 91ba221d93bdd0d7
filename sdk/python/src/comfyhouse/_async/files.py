"""Files: upload, list, download, delete."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import BinaryIO

from comfyhouse._async.transport import AsyncTransport
from comfyhouse.answers import Page, read_page
from comfyhouse.schema import File


class AsyncFiles:
    """The resource `/files`."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def upload(
        self, source: str | Path | bytes | BinaryIO, *, content_type: str | None = None
    ) -> File:
        """Upload a picture: a path, bytes or an open file. Streamed where it can be."""
        if isinstance(source, str | Path):
            path = Path(source)
            with path.open("rb") as stream:
                return await self._send(path.name, stream, content_type or _guess(path.name))
        name = Path(getattr(source, "name", "upload")).name
        return await self._send(name, source, content_type or _guess(name))

    async def get(self, file_id: str) -> File:
        """Return a file's facts and a fresh link."""
        response = await self._transport.request("GET", f"/files/{file_id}")
        return File.model_validate(response.json())

    async def list(self, *, limit: int = 20, cursor: str | None = None) -> Page[File]:
        """Return one page of files, newest first."""
        query = {"limit": limit, "cursor": cursor}
        body = (await self._transport.request("GET", "/files", query=query)).json()
        return read_page(File, body, "files")

    async def delete(self, file_id: str) -> None:
        """Delete a file for good."""
        await self._transport.request("DELETE", f"/files/{file_id}")

    async def download(self, file_id: str, target: str | Path | BinaryIO) -> int:
        """Write a file's bytes to a path or an open file; returns how many there were."""
        if isinstance(target, str | Path):
            with Path(target).open("wb") as stream:
                return await self._copy(file_id, stream)
        return await self._copy(file_id, target)

    async def _copy(self, file_id: str, stream: BinaryIO) -> int:
        size = 0
        async with self._transport.stream("GET", f"/files/{file_id}/content") as response:
            async for chunk in response.aiter_bytes():
                size += stream.write(chunk)
        return size

    async def _send(self, name: str, content: bytes | BinaryIO, content_type: str) -> File:
        files = {"file": (name, content, content_type)}
        response = await self._transport.request("POST", "/files", files=files)
        return File.model_validate(response.json())


def _guess(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
