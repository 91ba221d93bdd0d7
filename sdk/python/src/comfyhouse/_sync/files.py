# Written from comfyhouse/_async by `make docs`: change it there.
"""Files: upload, list, download, delete."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import BinaryIO

from comfyhouse._sync.transport import Transport
from comfyhouse.answers import Page, read_page
from comfyhouse.schema import File


class Files:
    """The resource `/files`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def upload(
        self, source: str | Path | bytes | BinaryIO, *, content_type: str | None = None
    ) -> File:
        """Upload a picture: a path, bytes or an open file. Streamed where it can be."""
        if isinstance(source, str | Path):
            path = Path(source)
            with path.open("rb") as stream:
                return self._send(path.name, stream, content_type or _guess(path.name))
        name = Path(getattr(source, "name", "upload")).name
        return self._send(name, source, content_type or _guess(name))

    def get(self, file_id: str) -> File:
        """Return a file's facts and a fresh link."""
        response = self._transport.request("GET", f"/files/{file_id}")
        return File.model_validate(response.json())

    def list(self, *, limit: int = 20, cursor: str | None = None) -> Page[File]:
        """Return one page of files, newest first."""
        query = {"limit": limit, "cursor": cursor}
        body = (self._transport.request("GET", "/files", query=query)).json()
        return read_page(File, body, "files")

    def delete(self, file_id: str) -> None:
        """Delete a file for good."""
        self._transport.request("DELETE", f"/files/{file_id}")

    def download(self, file_id: str, target: str | Path | BinaryIO) -> int:
        """Write a file's bytes to a path or an open file; returns how many there were."""
        if isinstance(target, str | Path):
            with Path(target).open("wb") as stream:
                return self._copy(file_id, stream)
        return self._copy(file_id, target)

    def _copy(self, file_id: str, stream: BinaryIO) -> int:
        size = 0
        with self._transport.stream("GET", f"/files/{file_id}/content") as response:
            for chunk in response.iter_bytes():
                size += stream.write(chunk)
        return size

    def _send(self, name: str, content: bytes | BinaryIO, content_type: str) -> File:
        files = {"file": (name, content, content_type)}
        response = self._transport.request("POST", "/files", files=files)
        return File.model_validate(response.json())


def _guess(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
