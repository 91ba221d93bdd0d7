"""What Drive answers, as we read it: files, pages of files and of changes, channels, the account.

Each class names in `FIELDS` what is asked for (a mask of drive.v3), so that nothing else is sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Self

FOLDER = "application/vnd.google-apps.folder"
SHORTCUT = "application/vnd.google-apps.shortcut"


@dataclass(frozen=True, slots=True)
class DriveFile:
    """A file or folder. `revision` and `md5` change with its bytes; '' where Drive has none.

    `app_properties` are those of our app only. `shortcut_to` is the id that a shortcut leads to.
    `is_ours` says that our app has made the file or was given it.
    """

    FIELDS: ClassVar[str] = (
        "id,name,mimeType,size,md5Checksum,sha256Checksum,headRevisionId,parents,trashed,"
        "appProperties,shortcutDetails(targetId,targetMimeType),createdTime,modifiedTime,webViewLink,"
        "driveId,isAppAuthorized,ownedByMe,capabilities(canDownload,canAddChildren)"
    )

    id: str
    name: str
    mime_type: str
    size_bytes: int = 0
    md5: str = ""
    sha256: str = ""
    revision: str = ""
    parents: tuple[str, ...] = ()
    is_trashed: bool = False
    app_properties: Mapping[str, str] = field(default_factory=dict)
    shortcut_to: str = ""
    shortcut_mime_type: str = ""
    created_at: datetime | None = None
    modified_at: datetime | None = None
    url: str = ""
    drive_id: str = ""
    is_ours: bool = False
    is_owned_by_user: bool = False
    can_download: bool = True
    can_add_children: bool = False

    @property
    def is_folder(self) -> bool:
        """Whether other files can be in it."""
        return self.mime_type == FOLDER

    @property
    def is_shortcut(self) -> bool:
        """Whether it only leads to another file."""
        return self.mime_type == SHORTCUT

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Read Drive's document of a file; raises KeyError or ValueError where it is none."""
        shortcut = document.get("shortcutDetails", {})
        capabilities = document.get("capabilities", {})
        return cls(
            id=document["id"],
            name=document.get("name", "").replace("\0", ""),  # no text has it, JSON can
            mime_type=document.get("mimeType", ""),
            size_bytes=int(document.get("size", 0)),
            md5=document.get("md5Checksum", ""),
            sha256=document.get("sha256Checksum", ""),
            revision=document.get("headRevisionId", ""),
            parents=tuple(document.get("parents", ())),
            is_trashed=document.get("trashed", False),
            app_properties=document.get("appProperties", {}),
            shortcut_to=shortcut.get("targetId", ""),
            shortcut_mime_type=shortcut.get("targetMimeType", ""),
            created_at=_read_instant(document.get("createdTime")),
            modified_at=_read_instant(document.get("modifiedTime")),
            url=document.get("webViewLink", ""),
            drive_id=document.get("driveId", ""),
            is_ours=document.get("isAppAuthorized", False),
            is_owned_by_user=document.get("ownedByMe", False),
            can_download=capabilities.get("canDownload", True),
            can_add_children=capabilities.get("canAddChildren", False),
        )


def _read_instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to be made: `id` was taken before (`generate_ids`), so that it is made once.

    `app_properties`: at most 30, key and value together at most 124 bytes of UTF-8.
    """

    id: str
    name: str
    parent: str
    mime_type: str
    app_properties: Mapping[str, str] = field(default_factory=dict)

    def write(self) -> dict[str, Any]:
        """Return the metadata as Drive reads it."""
        document: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "mimeType": self.mime_type,
            "parents": [self.parent],
        }
        if self.app_properties:
            document["appProperties"] = dict(self.app_properties)
        return document


@dataclass(frozen=True, slots=True)
class FilePage:
    """Some files, and the token of the next page ('' at the end)."""

    FIELDS: ClassVar[str] = f"nextPageToken,incompleteSearch,files({DriveFile.FIELDS})"

    files: tuple[DriveFile, ...]
    next_page_token: str = ""
    is_incomplete: bool = False

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Read Drive's list of files."""
        return cls(
            tuple(DriveFile.read(one) for one in document.get("files", ())),
            document.get("nextPageToken", ""),
            document.get("incompleteSearch", False),
        )


@dataclass(frozen=True, slots=True)
class Change:
    """A file that has changed; `file` is None where it is gone, or not ours to see any more."""

    file_id: str
    file: DriveFile | None


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Some changes. `next_token` is where to read on; `is_last`: nothing more for now."""

    FIELDS: ClassVar[str] = (
        "nextPageToken,newStartPageToken,"
        f"changes(changeType,fileId,removed,time,file({DriveFile.FIELDS}))"
    )

    changes: tuple[Change, ...]
    next_token: str
    is_last: bool

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Read Drive's list of changes; those of whole shared drives are left out."""
        last = document.get("newStartPageToken", "")
        return cls(
            tuple(_read_change(one) for one in document.get("changes", ()) if "fileId" in one),
            last or document["nextPageToken"],
            bool(last),
        )


def _read_change(document: Mapping[str, Any]) -> Change:
    file = None if document.get("removed") else document.get("file")
    return Change(document["fileId"], None if file is None else DriveFile.read(file))


@dataclass(frozen=True, slots=True)
class OpenChannel:
    """A push channel as Google has opened it; it ends by itself at `expires_at`."""

    FIELDS: ClassVar[str] = "id,resourceId,expiration"

    id: str
    resource_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class DriveAccount:
    """Whose Drive it is; `limit_bytes` is None where there is no limit."""

    FIELDS: ClassVar[str] = "user(displayName,emailAddress,permissionId),storageQuota(limit,usage)"

    email: str
    name: str
    used_bytes: int
    limit_bytes: int | None

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Read Drive's `about`."""
        user, quota = document["user"], document.get("storageQuota", {})
        limit = quota.get("limit")
        return cls(
            email=user.get("emailAddress", ""),
            name=user.get("displayName", ""),
            used_bytes=int(quota.get("usage", 0)),
            limit_bytes=None if limit is None else int(limit),
        )


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """How far a resumable upload is: `position` bytes are there, or the whole `file`."""

    position: int
    file: DriveFile | None = None
