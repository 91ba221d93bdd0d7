"""Bytes on disk, as they came: streamed in, with the checksums that Drive tells."""

import hashlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from comfyhouse_demo.google.store import Store


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes that were kept: the name of their file, size and checksums (hexadecimal)."""

    name: str
    size: int
    md5: str
    sha256: str


async def keep_stream(store: Store, parts: AsyncIterator[bytes]) -> Blob:
    """Write the bytes as they come."""
    name = secrets.token_hex(16)
    with (store.blobs / name).open("wb") as sink:
        async for part in parts:
            sink.write(part)
    return keep_file(store, name)


def keep_bytes(store: Store, content: bytes) -> Blob:
    """Write the bytes."""
    name = secrets.token_hex(16)
    (store.blobs / name).write_bytes(content)
    return keep_file(store, name)


def keep_file(store: Store, name: str) -> Blob:
    """Return what is to be said about bytes that are in the folder already."""
    path = store.blobs / name
    with path.open("rb") as content:
        md5 = hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        content.seek(0)
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    return Blob(name, path.stat().st_size, md5, sha256)


def get_place(store: Store, name: str) -> Path:
    """Return where the bytes are."""
    return store.blobs / name


def drop(store: Store, name: str) -> None:
    """Forget the bytes."""
    if name:
        (store.blobs / name).unlink(missing_ok=True)
