"""A file as Drive describes it to one app; the names are those of drive.v3."""

from typing import Any

from comfyhouse_demo.google.files import SHORTCUT, File, find_file
from comfyhouse_demo.google.people import Person, get_person
from comfyhouse_demo.google.store import Store, write_time

#: What is answered where nothing is asked for.
DEFAULT_FIELDS = "kind,id,name,mimeType"


def render_file(store: Store, file: File, sub: str, client: str, public_url: str) -> dict[str, Any]:
    """Return all that is known; the mask is applied by the caller."""
    person = get_person(store, sub)
    document: dict[str, Any] = {
        "kind": "drive#file",
        "id": file.id,
        "name": file.name,
        "mimeType": file.mime,
        "trashed": file.is_trashed,
        "explicitlyTrashed": file.is_trashed_itself,
        "spaces": ["drive"],
        "version": str(file.version),
        "createdTime": write_time(file.created),
        "modifiedTime": write_time(file.modified),
        "webViewLink": f"{public_url}/file/d/{file.id}/view",
        "isAppAuthorized": client in file.apps,
        "capabilities": _render_capabilities(file),
    }
    if file.parent:
        document["parents"] = [file.parent]
    document |= _render_owner(file, person)
    if file.app_properties.get(client):
        document["appProperties"] = file.app_properties[client]
    if file.mime == SHORTCUT:
        document["shortcutDetails"] = _render_target(store, file)
    if file.blob:
        document |= _render_content(file)
    document |= file.overrides
    return {name: value for name, value in document.items() if value is not None}


def render_person(person: Person, *, is_me: bool = True) -> dict[str, Any]:
    """Return a user as Drive names them."""
    return {
        "kind": "drive#user",
        "displayName": person.name,
        "me": is_me,
        "permissionId": person.sub,
        "emailAddress": person.email,
    }


def _render_owner(file: File, person: Person) -> dict[str, Any]:
    if file.drive:
        return {"driveId": file.drive}
    return {"ownedByMe": True, "owners": [render_person(person)]}


def _render_capabilities(file: File) -> dict[str, bool]:
    return {
        "canDownload": bool(file.blob),
        "canAddChildren": file.is_folder,
        "canListChildren": file.is_folder,
        "canEdit": True,
        "canTrash": bool(file.parent),
    }


def _render_target(store: Store, file: File) -> dict[str, str]:
    target = find_file(store, file.shortcut)
    return {"targetId": file.shortcut, "targetMimeType": target.mime if target else ""}


def _render_content(file: File) -> dict[str, Any]:
    _, dot, extension = file.name.rpartition(".")
    return {
        "size": str(file.size),
        "quotaBytesUsed": str(file.size),
        "md5Checksum": file.md5,
        "sha256Checksum": file.sha256,
        "headRevisionId": file.revision,
        "originalFilename": file.name,
        "fileExtension": extension if dot else "",
    }
