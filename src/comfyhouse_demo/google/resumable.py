"""Resumable uploads under way: they outlive a restart, and know how far they are."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comfyhouse_demo.google.access import Visitor
from comfyhouse_demo.google.blobs import Blob, keep_file
from comfyhouse_demo.google.failures import Refusal, make_invalid
from comfyhouse_demo.google.store import Store, make_token, read_json, write_json

_STEP_BYTES = 256 * 1024


@dataclass(slots=True)
class Upload:
    """An upload. `size` may be told later; `result` is the id of the file that it has become."""

    id: str
    file_id: str
    metadata: dict[str, Any]
    size: int | None
    result: str


def begin(
    store: Store, visitor: Visitor, metadata: dict[str, Any], size: int | None, file_id: str
) -> str:
    """Note an upload; returns its id."""
    upload_id = make_token("ADPycd", 32)
    store.insert(
        "uploads",
        id=upload_id,
        sub=visitor.person.sub,
        client=visitor.client,
        file=file_id,
        metadata=write_json(metadata),
        size=size,
    )
    _get_place(store, upload_id).touch()
    return upload_id


def get_upload(store: Store, upload_id: str) -> Upload:
    """Return the upload; raises Refusal (404: begin again)."""
    row = store.find("SELECT * FROM uploads WHERE id = ?", upload_id)
    if row is None:
        raise Refusal(404, "notFound", "The upload is not known.")
    return Upload(row["id"], row["file"], read_json(row["metadata"]), row["size"], row["result"])


def forget_all(store: Store) -> None:
    """Forget every upload, as Google does after a week."""
    for row in store.list("SELECT id FROM uploads"):
        _get_place(store, row["id"]).unlink(missing_ok=True)
    store.run("DELETE FROM uploads")


def set_size(store: Store, upload: Upload, size: int) -> None:
    """Note the whole size; raises Refusal where another was told before."""
    if upload.size not in (None, size):
        raise make_invalid("Content-Range", "The size differs from what was told before.")
    upload.size = size
    store.run("UPDATE uploads SET size = ? WHERE id = ?", size, upload.id)


async def append(store: Store, upload: Upload, start: int, parts: AsyncIterator[bytes]) -> None:
    """Add bytes. What came before a connection broke is kept in steps of 256 KiB."""
    received = count_received(store, upload)
    if start > received:
        raise Refusal(503, "backendError", f"Bytes {received}-{start - 1} are missing.")
    place = _get_place(store, upload.id)
    with place.open("r+b") as sink:
        sink.seek(start)
        sink.truncate()
        try:
            async for part in parts:
                sink.write(part)
        finally:
            if sink.tell() != upload.size:
                sink.truncate(sink.tell() - sink.tell() % _STEP_BYTES)


def is_whole(store: Store, upload: Upload) -> bool:
    """Tell whether every byte is there."""
    return count_received(store, upload) == upload.size


def count_received(store: Store, upload: Upload) -> int:
    """Return how many bytes are there."""
    return _get_place(store, upload.id).stat().st_size


def close(store: Store, upload: Upload) -> Blob:
    """Take the bytes of a whole upload."""
    name = _get_place(store, upload.id).replace(store.blobs / f"of-{upload.id}").name
    return keep_file(store, name)


def set_result(store: Store, upload: Upload, file_id: str) -> None:
    """Note what the upload has become; whoever asks again is told the same."""
    store.run("UPDATE uploads SET result = ? WHERE id = ?", file_id, upload.id)


def _get_place(store: Store, upload_id: str) -> Path:
    return store.blobs / f"{upload_id}.part"
