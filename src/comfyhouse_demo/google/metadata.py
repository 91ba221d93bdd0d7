"""What an app writes about a file: name, kind, folder, properties. Checked, then applied."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from comfyhouse_demo.google.access import Visitor, find_visible, get_visible
from comfyhouse_demo.google.answering import check_writable
from comfyhouse_demo.google.blobs import Blob
from comfyhouse_demo.google.failures import Refusal, make_invalid, make_not_found
from comfyhouse_demo.google.files import (
    SHORTCUT,
    File,
    add_file,
    replace_content,
    save_file,
    set_trashed,
)
from comfyhouse_demo.google.store import Store

_MOST_PROPERTIES = 30
_LONGEST_PROPERTY_BYTES = 124


def check_new(store: Store, visitor: Visitor, metadata: Mapping[str, Any], shared: bool) -> None:
    """Raise Refusal where a file cannot be made so."""
    check_writable(metadata)
    check_properties(metadata.get("appProperties", {}), {})
    _get_parent(store, visitor, metadata, shared)
    file_id = metadata.get("id")
    if file_id is None:
        return
    known = store.find("SELECT 1 FROM ids WHERE id = ? AND sub = ?", file_id, visitor.person.sub)
    if known is None:
        raise make_invalid("file.id", "The provided file ID is not usable.")
    if store.find("SELECT 1 FROM files WHERE id = ?", file_id) is not None:
        message = "A file already exists with the provided ID."
        raise Refusal(409, "fileIdInUse", message, "file.id", "other")


def create(
    store: Store,
    visitor: Visitor,
    metadata: Mapping[str, Any],
    blob: Blob | None,
    content_type: str,
    shared: bool,
) -> File:
    """Make the file that the metadata describes; raises Refusal."""
    check_new(store, visitor, metadata, shared)
    mime = metadata.get("mimeType") or content_type or "application/octet-stream"
    properties = metadata.get("appProperties", {})
    return add_file(
        store,
        visitor.person,
        name=metadata.get("name", "Untitled"),
        parent=_get_parent(store, visitor, metadata, shared).id,
        mime=mime,
        blob=blob,
        file_id=metadata.get("id", ""),
        shortcut=_read_target(store, visitor, metadata, shared) if mime == SHORTCUT else "",
        apps=[visitor.client],
        app_properties={visitor.client: dict(properties)} if properties else {},
    )


def update(
    store: Store,
    visitor: Visitor,
    file: File,
    metadata: Mapping[str, Any],
    request: web.Request,
    blob: Blob | None = None,
) -> None:
    """Change the file as the metadata says; raises Refusal."""
    check_writable(metadata)
    if "id" in metadata or "parents" in metadata:
        message = "The parents field is not directly writable in update requests."
        raise Refusal(403, "fieldNotWritable", message)
    kept = file.app_properties.get(visitor.client, {})
    properties = metadata.get("appProperties", {})
    check_properties(properties, kept)
    if properties:
        merged = {**kept, **properties}
        file.app_properties[visitor.client] = {k: v for k, v in merged.items() if v is not None}
    file.name = metadata.get("name", file.name)
    file.mime = metadata.get("mimeType", file.mime)
    _move(store, visitor, file, request)
    if blob is not None:
        replace_content(store, file, blob)
    elif "trashed" in metadata:
        set_trashed(store, file, bool(metadata["trashed"]))
    else:
        save_file(store, file)


def check_properties(given: Mapping[str, Any], kept: Mapping[str, str]) -> None:
    """Raise Refusal beyond 30 properties, or 124 bytes of a key and its value."""
    for key, value in given.items():
        if len(f"{key}{value or ''}".encode()) > _LONGEST_PROPERTY_BYTES:
            message = "The property is too long: key and value may have 124 bytes together."
            raise make_invalid("file.appProperties", message)
    merged = {**kept, **given}
    if sum(value is not None for value in merged.values()) > _MOST_PROPERTIES:
        message = "The maximum number of properties was reached: 30 per app."
        raise make_invalid("file.appProperties", message)


def _move(store: Store, visitor: Visitor, file: File, request: web.Request) -> None:
    target = request.query.get("addParents")
    if target is None:
        return
    if request.query.get("removeParents", "") != file.parent:
        message = "A file cannot be in more than one folder."
        raise Refusal(403, "cannotAddParent", message)
    file.parent = get_visible(store, visitor, target, request).id


def _get_parent(store: Store, visitor: Visitor, metadata: Mapping[str, Any], shared: bool) -> File:
    parents = metadata.get("parents") or ["root"]
    if len(parents) != 1:
        raise Refusal(403, "multipleParentsNotSupported", "A file has one folder.")
    # Whoever may write may write at the top, although an app of `drive.file` does not see it.
    named = visitor.person.root if parents[0] == "root" else parents[0]
    if named == visitor.person.root:
        return File(named, visitor.person.sub, "", "My Drive", "")
    folder = find_visible(store, visitor, named, shared=shared)
    if folder is None:
        raise make_not_found(parents[0])
    if not folder.is_folder:
        raise Refusal(403, "parentNotAFolder", "The specified parent is not a folder.")
    return folder


def _read_target(store: Store, visitor: Visitor, metadata: Mapping[str, Any], shared: bool) -> str:
    target = metadata.get("shortcutDetails", {}).get("targetId", "")
    if find_visible(store, visitor, target, shared=shared) is None:
        raise make_not_found(target)
    return str(target)
