"""The requests of uploads: in one piece, and resumable (begin, put a chunk, ask how far it is)."""

import re
import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

import orjson

from comfyhoused.adapters.google.documents import DriveFile, NewFile, UploadProgress
from comfyhoused.adapters.google.errors import DriveUnreachable, UploadLost
from comfyhoused.adapters.google.reading import read_answer
from comfyhoused.adapters.google.wire import Answer, Call, Parameters, Wire

#: What Google takes in one request; above it an upload has to be resumable.
SMALL_BYTES = 5 * 1024 * 1024
#: Every chunk but the last is a multiple of this.
CHUNK_STEP_BYTES = 256 * 1024

_RANGE = re.compile(r"bytes=0-(\d+)")
_DONE = frozenset({200, 201})
_GONE = frozenset({404, 410})
_PARAMETERS: Parameters = {"supportsAllDrives": True, "fields": DriveFile.FIELDS}


class UploadCalls:
    """Making files in one user's Drive, request by request."""

    def __init__(self, wire: Wire, api_url: str) -> None:
        self._wire = wire
        self._api_url = api_url

    async def create_empty(self, new: NewFile) -> DriveFile:
        """Make a file without bytes, such as a folder; raises DriveIdTaken."""
        url = f"{self._api_url}/drive/v3/files"
        call = Call("POST", url, _PARAMETERS, json=new.write())
        return read_answer(DriveFile.read, (await self._wire.call(call)).document)

    async def create_small(self, new: NewFile, content: bytes) -> DriveFile:
        """Make a file of at most 5 MB in one request; raises DriveIdTaken."""
        if len(content) > SMALL_BYTES:
            raise ValueError(f"{len(content)} bytes are too many for one request")
        boundary = secrets.token_hex(16)
        call = Call(
            "POST",
            f"{self._api_url}/upload/drive/v3/files",
            {"uploadType": "multipart", **_PARAMETERS},
            content=_write_related(boundary, new, content),
            headers={"Content-Type": f"multipart/related; boundary={boundary}"},
        )
        return read_answer(DriveFile.read, (await self._wire.call(call)).document)

    async def begin(self, new: NewFile, size_bytes: int) -> str:
        """Begin a resumable upload and return its address; raises DriveIdTaken."""
        call = Call(
            "POST",
            f"{self._api_url}/upload/drive/v3/files",
            {"uploadType": "resumable", **_PARAMETERS},
            json=new.write(),
            headers={
                "X-Upload-Content-Type": new.mime_type,
                "X-Upload-Content-Length": str(size_bytes),
            },
        )
        return self._check_address((await self._wire.call(call)).headers.get("location", ""))

    async def put_chunk(
        self, session_url: str, chunk: bytes, start: int, size_bytes: int
    ) -> UploadProgress:
        """Send the bytes from `start`, once; raises UploadLost, and DriveUnreachable: then ask."""
        end = start + len(chunk)
        if end < size_bytes and len(chunk) % CHUNK_STEP_BYTES:
            raise ValueError(f"{len(chunk)} bytes are no multiple of {CHUNK_STEP_BYTES}")
        span = f"bytes {start}-{end - 1}/{size_bytes}" if chunk else f"bytes */{size_bytes}"
        call = self._make_put(session_url, span, chunk, is_safe_twice=False)
        return _read_progress(await self._wire.call(call))

    async def ask_position(self, session_url: str, size_bytes: int) -> UploadProgress:
        """Return how far the upload is; raises UploadLost."""
        call = self._make_put(session_url, f"bytes */{size_bytes}", b"", is_safe_twice=True)
        return _read_progress(await self._wire.call(call))

    def _make_put(self, url: str, span: str, content: bytes, *, is_safe_twice: bool) -> Call:
        return Call(
            "PUT",
            self._check_address(url),
            content=content,
            headers={"Content-Range": span, "Content-Type": "application/octet-stream"},
            is_safe_twice=is_safe_twice,
            good=_DONE | _GONE | {308},
        )

    def _check_address(self, url: str) -> str:
        """Return the address; the user's token goes nowhere but to the API that we know."""
        ours, theirs = urlsplit(self._api_url), urlsplit(url)
        if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):
            raise DriveUnreachable("Google named another server for the upload.")
        return url


def _write_related(boundary: str, new: NewFile, content: bytes) -> bytes:
    head = (
        f"--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n".encode()
        + orjson.dumps(new.write())
        + f"\r\n--{boundary}\r\nContent-Type: {new.mime_type}\r\n\r\n".encode()
    )
    return head + content + f"\r\n--{boundary}--\r\n".encode()


def _read_progress(answer: Answer) -> UploadProgress:
    if answer.status in _GONE:
        raise UploadLost("Google does not know this upload any more.")
    if answer.status == 308:
        return UploadProgress(_read_position(answer.headers))
    file = read_answer(DriveFile.read, answer.document)
    return UploadProgress(file.size_bytes, file)


def _read_position(headers: Mapping[str, str]) -> int:
    found = _RANGE.fullmatch(headers.get("range", ""))
    return int(found[1]) + 1 if found else 0
