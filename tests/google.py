"""A demo Google of the test's own: a real process with users, folders, faults and channels."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from comfyhouse_demo.google.command import CLIENT_ID, CLIENT_SECRET
from comfyhouse_demo.google.scopes import DRIVE, DRIVE_FILE
from tests.google_contract import check_exchange, is_drive_call
from tests.ports import take_port
from tests.processes import ServerProcess
from tests.waiting import PATIENCE_SECONDS, wait_blocking

SIGN_IN_SCOPES = "openid email profile"
FULL_SCOPES = f"{SIGN_IN_SCOPES} {DRIVE}"
PER_FILE_SCOPES = f"{SIGN_IN_SCOPES} {DRIVE_FILE}"

Document = dict[str, Any]


class FakeGoogle(ServerProcess):
    """`start` after `kill` keeps port and data. Calls block shortly; they work from any test.

    Users and files are Google's documents: `user["sub"]`, `user["root"]`, `file["id"]`.
    """

    def __init__(self, folder: Path, *arguments: str) -> None:
        super().__init__(folder)
        self.arguments = arguments
        self.port = 0
        self._http = httpx.Client(timeout=PATIENCE_SECONDS)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a house is told so that it takes this for Google."""
        return {
            "CH_GOOGLE_CLIENT_ID": CLIENT_ID,
            "CH_GOOGLE_CLIENT_SECRET": CLIENT_SECRET,
            "CH_GOOGLE_ISSUER": self.url,
            "CH_GOOGLE_API_URL": self.url,
            "CH_GOOGLE_PICKER_URL": f"{self.url}/o/oauth2/v2/auth",
        }

    def start(self) -> None:
        self.port = self.port or take_port()
        data = self.folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        self.spawn(
            *(sys.executable, "-m", "comfyhouse_demo.google"),
            *("--port", str(self.port), "--data", str(data)),
            *self.arguments,
        )
        wait_blocking(lambda: not self.is_alive or self._answers())
        self._check_alive()

    def stop(self, seconds: float = PATIENCE_SECONDS) -> None:
        super().stop(seconds)
        self._http.close()

    # Users and what they allow

    def add_user(
        self, email: str = "ada@demo.example", name: str = "Ada Lens", **more: object
    ) -> Document:
        """Add a user (`quota_bytes=…` for little storage)."""
        return self._post("users", {"email": email, "name": name, **more})

    def allow(self, user: Document, scopes: str = FULL_SCOPES) -> Document:
        """Allow the app these scopes; returns access_token, refresh_token, scope, expires_in."""
        return self._post("tokens", {"sub": user["sub"], "scopes": scopes})

    def revoke(self, user: Document) -> None:
        """Take all access back, as the user does in their account's settings."""
        self._post(f"users/{user['sub']}/revoke", {})

    def expire(self, user: Document) -> None:
        """End the access tokens; refreshing goes on."""
        self._post(f"users/{user['sub']}/expire", {})

    # What is in their Drives, by their own hand: the app was not given it

    def add_folder(self, user: Document, name: str, parent: str = "") -> Document:
        return self._add(user, b"", kind="folder", name=name, parent=parent)

    def add_file(
        self, user: Document, name: str, content: bytes, parent: str = "", mime: str = ""
    ) -> Document:
        """Drop a file into a folder ('' = the top of the Drive)."""
        kind = {"mime": mime} if mime else {}
        return self._add(user, content, name=name, parent=parent, **kind)

    def add_shortcut(self, user: Document, name: str, target: str, parent: str = "") -> Document:
        return self._add(user, b"", kind="shortcut", name=name, parent=parent, target=target)

    def add_shared_drive(self, name: str, *users: Document) -> str:
        """Make a shared drive of these members; returns its id, which is its top folder's too."""
        members = [user["sub"] for user in users]
        return str(self._post("drives", {"name": name, "subs": members})["id"])

    def replace(self, file_id: str, content: bytes) -> Document:
        """Give a file other bytes: it grew, or was saved again."""
        return self._call("PUT", f"files/{file_id}/content", content=content)

    def change(self, file_id: str, **changes: object) -> Document:
        """Change name, mime, parent, trashed, given (the app may see it), overrides, gone.

        `overrides` is what is said of it instead of the truth, e.g. `{"md5Checksum": None}`.
        """
        return self._call("PATCH", f"files/{file_id}", json=changes)

    def list_files(self, user: Document, parent: str | None = None) -> list[Document]:
        """Return all of the user's files and folders as they are, the bin's too."""
        files: list[Document] = self._call("GET", f"users/{user['sub']}/files")["files"]
        return [one for one in files if parent is None or one.get("parents") == [parent]]

    def read(self, file_id: str) -> bytes:
        """Return the bytes of a file."""
        answer = self._http.get(f"{self.url}/file/d/{file_id}/content")
        answer.raise_for_status()
        return answer.content

    # How it misbehaves, and what it has seen

    def plan_fault(self, path: str, **fault: object) -> None:
        """Have the next `times` requests whose path and query match fail.

        action: refuse (status, reason, retry_after), drop (not done), lose (done, no answer),
        cut (the body ends after cut_bytes); method, skip. See comfyhouse_demo/google/faults.py.
        """
        self._post("faults", {"path": path, **fault})

    def list_faults(self) -> list[Document]:
        """Return the faults; `hits` counts how often each struck."""
        faults: list[Document] = self._call("GET", "faults")["faults"]
        return faults

    def clear_faults(self) -> None:
        self._call("DELETE", "faults")

    def set_switch(self, **switches: object) -> None:
        """pushes (send, double, drop, hold), push_delay_seconds, token_seconds, page_size,
        refuse_refresh, list_lag_seconds."""
        self._post("switches", switches)

    def release_pushes(self) -> int:
        """Send what `pushes="hold"` kept back; returns how many."""
        return int(self._post("pushes", {})["released"])

    def list_channels(self) -> list[Document]:
        """Return the channels: id, sub, token, address, resource, until, messages."""
        channels: list[Document] = self._call("GET", "channels")["channels"]
        return channels

    def list_pushes(self) -> list[Document]:
        """Return every message that was posted: its headers, address and the answer's status."""
        sent: list[Document] = self._call("GET", "channels")["sent"]
        return sent

    def end_channels(self) -> None:
        """End all channels without a word, as time does."""
        self._call("DELETE", "channels")

    def forget_uploads(self) -> None:
        """Forget resumable uploads, as Google does after a week."""
        self._call("DELETE", "uploads")

    def list_requests(self, path: str = "", method: str = "") -> list[Document]:
        """Return what the app asked: method, path, query, body, status, answer, fault, scopes."""
        requests: list[Document] = self._call("GET", "requests")["requests"]
        return [
            one
            for one in requests
            if one["path"].startswith(path) and method in ("", one["method"])
        ]

    def forget_requests(self) -> None:
        self._call("DELETE", "requests")

    def reset(self) -> None:
        """Take back faults and switches, and forget requests and channels; files stay."""
        self.clear_faults()
        self.set_switch(
            pushes="send",
            push_delay_seconds=0.0,
            token_seconds=3599.0,
            page_size=1000,
            refuse_refresh=False,
            list_lag_seconds=0.0,
        )
        self.end_channels()
        self.forget_requests()

    def check_contract(self) -> list[str]:
        """Hold every exchange so far against Google's description; returns the calls made."""
        return [check_exchange(one) for one in self.list_requests() if is_drive_call(one)]

    def _add(self, user: Document, content: bytes, **query: str) -> Document:
        return self._call("POST", f"users/{user['sub']}/files", content=content, params=query)

    def _post(self, path: str, body: Mapping[str, object]) -> Document:
        return self._call("POST", path, json=body)

    def _call(self, method: str, path: str, **arguments: Any) -> Document:
        answer = self._http.request(method, f"{self.url}/_demo/{path}", **arguments)
        assert answer.status_code == 200, answer.text
        document: Document = answer.json()
        return document

    def _answers(self) -> bool:
        try:
            return self._http.get(f"{self.url}/oauth2/v3/certs").status_code == 200
        except httpx.TransportError:
            return False
