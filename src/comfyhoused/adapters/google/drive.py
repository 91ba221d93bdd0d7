"""Google Drive v3, as far as the house needs it. Tests hold every call against `drive.v3.json`.

Every method raises a DriveFault (`errors.py`), or what `get_token` raises. Shared drives are
included everywhere. Calls are tried again by themselves while that makes sense and is short.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import httpx

from comfyhoused.adapters.google.documents import (
    FOLDER,
    ChangePage,
    DriveAccount,
    DriveFile,
    FilePage,
    NewFile,
    OpenChannel,
    UploadProgress,
)
from comfyhoused.adapters.google.downloading import download
from comfyhoused.adapters.google.errors import DriveFileMissing, DriveIdTaken
from comfyhoused.adapters.google.insisting import upload_once
from comfyhoused.adapters.google.pauses import Pauses
from comfyhoused.adapters.google.reading import read_answer
from comfyhoused.adapters.google.uploading import UploadCalls
from comfyhoused.adapters.google.wire import Call, GetToken, Parameters, Wire

_SHARED_TOO: Parameters = {"supportsAllDrives": True}
_LIST_SHARED_TOO: Parameters = {**_SHARED_TOO, "includeItemsFromAllDrives": True}
_PAGE_SIZE = 1000


class Drive:
    """One user's Drive. `api_url` is Google's, or that of a stand-in, without a path."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        get_token: GetToken,
        api_url: str,
        pauses: Pauses | None = None,
    ) -> None:
        self._wire = Wire(http, get_token, pauses or Pauses())
        self._root = f"{api_url.rstrip('/')}/drive/v3"
        self._uploads = UploadCalls(self._wire, api_url.rstrip("/"))

    async def about(self) -> DriveAccount:
        """Return whose Drive it is and how full."""
        answer = await self._get("about", {"fields": DriveAccount.FIELDS})
        return read_answer(DriveAccount.read, answer)

    async def get_file(self, file_id: str) -> DriveFile:
        """Return the file as it is now; raises DriveFileMissing."""
        parameters = {**_SHARED_TOO, "fields": DriveFile.FIELDS}
        return read_answer(DriveFile.read, await self._get(_file(file_id), parameters))

    async def list_files(
        self, query: str, page_token: str = "", page_size: int = _PAGE_SIZE, drive_id: str = ""
    ) -> FilePage:
        """Return a page of the files that match (`q` of drive.v3; quote texts by `quote_text`).

        `drive_id`: the shared drive that is searched, else what is the user's own or shared.
        """
        parameters: dict[str, str | int | bool] = {
            **_LIST_SHARED_TOO,
            "q": query,
            "pageSize": page_size,
            "spaces": "drive",
            "fields": FilePage.FIELDS,
        }
        if drive_id:
            parameters |= {"corpora": "drive", "driveId": drive_id}
        if page_token:
            parameters["pageToken"] = page_token
        return read_answer(FilePage.read, await self._get("files", parameters))

    async def list_folder(self, folder_id: str, drive_id: str = "") -> AsyncIterator[DriveFile]:
        """Yield everything that lies directly in the folder now, folders too, nothing trashed."""
        query = f"{quote_text(folder_id)} in parents and trashed = false"
        page = await self.list_files(query, drive_id=drive_id)
        while True:
            for file in page.files:
                yield file
            if not page.next_page_token:
                return
            page = await self.list_files(query, page.next_page_token, drive_id=drive_id)

    async def get_start_page_token(self) -> str:
        """Return the token from which the feed tells what changes from now on."""
        answer = await self._get("changes/startPageToken", _SHARED_TOO)
        return read_answer(lambda document: str(document["startPageToken"]), answer)

    async def list_changes(self, page_token: str, page_size: int = _PAGE_SIZE) -> ChangePage:
        """Return what has changed since; raises PageTokenInvalid: then look at everything."""
        parameters = _make_feed_parameters(page_token) | {
            "pageSize": page_size,
            "fields": ChangePage.FIELDS,
        }
        return read_answer(ChangePage.read, await self._get("changes", parameters))

    async def watch_changes(
        self, page_token: str, channel_id: str, token: str, address: str, expires_at: datetime
    ) -> OpenChannel:
        """Have Google post to `address` when something changes; at most for seven days.

        Where no answer came the channel may be open all the same: try again with another id.
        """
        body = {
            "id": channel_id,
            "type": "web_hook",
            "address": address,
            "token": token,
            "expiration": str(int(expires_at.timestamp() * 1000)),
        }
        parameters = _make_feed_parameters(page_token) | {"fields": OpenChannel.FIELDS}
        url = f"{self._root}/changes/watch"
        call = Call("POST", url, parameters, json=body, is_safe_twice=False)
        return read_answer(_read_channel, (await self._wire.call(call)).document)

    async def stop_channel(self, channel_id: str, resource_id: str) -> None:
        """End a channel; one that has ended already is as good."""
        body = {"id": channel_id, "resourceId": resource_id}
        try:
            await self._wire.call(Call("POST", f"{self._root}/channels/stop", json=body))
        except DriveFileMissing:
            return

    async def generate_ids(self, count: int = 1) -> list[str]:
        """Return ids (at most 1000) for files to be made: whoever makes one twice makes one."""
        parameters: Parameters = {"count": count, "space": "drive", "type": "files"}
        answer = await self._get("files/generateIds", {**parameters, "fields": "ids"})
        return read_answer(lambda document: [str(one) for one in document["ids"]], answer)

    async def create_folder(
        self, file_id: str, name: str, parent: str = "root", marks: Mapping[str, str] | None = None
    ) -> DriveFile:
        """Make a folder, once per id; `marks` are app properties. Raises DriveIdTaken."""
        new = NewFile(file_id, name, parent, FOLDER, marks or {})
        try:
            return await self._uploads.create_empty(new)
        except DriveIdTaken:
            found = await self.get_file(file_id)
            if not found.is_folder:
                raise
            return found

    async def create_small(self, new: NewFile, content: bytes) -> DriveFile:
        """Make a file of at most 5 MB in one request; raises DriveIdTaken where the id is used."""
        return await self._uploads.create_small(new, content)

    async def begin_upload(self, new: NewFile, size_bytes: int) -> str:
        """Begin a resumable upload; returns its address, which is good for about a week.

        Raises DriveIdTaken where a file with the id is there.
        """
        return await self._uploads.begin(new, size_bytes)

    async def put_chunk(
        self, session_url: str, chunk: bytes, start: int, size_bytes: int
    ) -> UploadProgress:
        """Send the bytes from `start`; all but the last chunk are multiples of 256 KiB.

        Sent once: after DriveUnreachable ask for the position. Raises UploadLost.
        """
        return await self._uploads.put_chunk(session_url, chunk, start, size_bytes)

    async def ask_position(self, session_url: str, size_bytes: int) -> UploadProgress:
        """Return how far a resumable upload is; raises UploadLost."""
        return await self._uploads.ask_position(session_url, size_bytes)

    async def upload(self, new: NewFile, content: Path) -> DriveFile:
        """Put the file there exactly once, however often this is called with the same id.

        Raises DriveIdTaken where the id belongs to another file.
        """
        return await upload_once(self._uploads, self.get_file, new, content)

    async def download(self, file: DriveFile, target: Path) -> None:
        """Write the bytes of that very revision to `target`; broken transfers are resumed.

        Raises DriveFileMissing, DriveFileChanged, and refusals such as DriveAbusive.
        """
        await download(self._wire, self.get_file, f"{self._root}/{_file(file.id)}", file, target)

    async def update_properties(
        self, file_id: str, marks: Mapping[str, str | None], name: str | None = None
    ) -> DriveFile:
        """Set app properties (None takes one away), and the name where one is given."""
        body: dict[str, object] = {"appProperties": dict(marks)} if marks else {}
        if name is not None:
            body["name"] = name
        return await self._patch(file_id, body)

    async def trash(self, file_id: str) -> DriveFile:
        """Put the file into the user's bin, whence they can take it back."""
        return await self._patch(file_id, {"trashed": True})

    async def _patch(self, file_id: str, body: Mapping[str, object]) -> DriveFile:
        parameters = {**_SHARED_TOO, "fields": DriveFile.FIELDS}
        call = Call("PATCH", f"{self._root}/{_file(file_id)}", parameters, json=body)
        return read_answer(DriveFile.read, (await self._wire.call(call)).document)

    async def _get(self, path: str, parameters: Parameters) -> dict[str, object]:
        call = Call("GET", f"{self._root}/{path}", parameters)
        return (await self._wire.call(call)).document


def quote_text(text: str) -> str:
    """Return the text as a literal of Drive's query language."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _file(file_id: str) -> str:
    return f"files/{quote(file_id, safe='')}"


def _make_feed_parameters(page_token: str) -> dict[str, str | int | bool]:
    return {
        **_LIST_SHARED_TOO,
        "pageToken": page_token,
        "spaces": "drive",
        "includeRemoved": True,
    }


def _read_channel(document: Mapping[str, object]) -> OpenChannel:
    expires_at = datetime.fromtimestamp(int(str(document["expiration"])) / 1000, UTC)
    return OpenChannel(str(document["id"]), str(document["resourceId"]), expires_at)
