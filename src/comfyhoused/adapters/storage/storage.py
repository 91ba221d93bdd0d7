"""What every store of objects can do. An object is bytes under a key; we keep its type and hash.

A key looks like a path: segments of letters, digits, `.`, `_`, `-`, joined by `/`, at most
512 characters, no segment starting with a dot. Keys are made by us, never by a customer.
"""

import re
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from blake3 import blake3

from comfyhoused.kit.errors import NotFound, TooLarge, Unavailable

_SEGMENT = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
_KEY = re.compile(rf"{_SEGMENT}(/{_SEGMENT})*")
_MAX_KEY_LENGTH = 512


class ObjectMissing(NotFound):
    """No object lies under this key."""

    code = "object_missing"
    title = "The bytes of this file are gone"


class FileTooLarge(TooLarge):
    """More bytes arrived than the caller allows; nothing of them is kept."""

    code = "file_too_large"
    title = "The file is larger than we take"


class StorageUnavailable(Unavailable):
    """The store does not answer, refuses us or has no room."""

    code = "storage_unavailable"
    title = "The file store is down for a moment"


@dataclass(frozen=True, slots=True)
class Stored:
    """What was written: its length and its BLAKE3 hash (64 hex digits)."""

    size_bytes: int
    hash: str


class Storage(Protocol):
    """A store of objects. Streams both ways: never a whole object in memory."""

    async def put(
        self, key: str, chunks: AsyncIterable[bytes], *, content_type: str, max_bytes: int
    ) -> Stored:
        """Write an object, replacing what lay there; atomic: on any failure nothing changes.

        Raises FileTooLarge, StorageUnavailable, and whatever `chunks` raises.
        """
        ...

    def read(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Stream the bytes from `start` up to (excluding) `end`, cut at the object's end.

        Raises ObjectMissing and StorageUnavailable at the first step of the iteration.
        """
        ...

    async def get_size(self, key: str) -> int:
        """Return the length in bytes; raises ObjectMissing, StorageUnavailable."""
        ...

    async def delete(self, key: str) -> None:
        """Remove the object; fine if there is none. Raises StorageUnavailable."""
        ...

    async def delete_many(self, keys: Sequence[str]) -> None:
        """Remove some hundred objects; fine if there are none. Raises StorageUnavailable.

        After a failure some are gone and others are not: call it again.
        """
        ...

    def list_keys(self, prefix: str) -> AsyncIterator[str]:
        """Yield every key below a folder (`"jobs/1"` holds `jobs/1/a`, not `jobs/12`), sorted.

        An empty prefix lists everything. Raises StorageUnavailable.
        """
        ...

    async def make_link(
        self,
        key: str,
        *,
        expires_in_seconds: int,
        content_type: str,
        filename: str,
        public_url: str,
        etag: str | None = None,
    ) -> str:
        """Return an address under which anybody can GET the object until it expires.

        It is served with this content type and, where shown as a download, under this file
        name. `public_url` is our own address (`https://api.example.com`), used by stores that
        we serve ourselves; `etag` is the object's hash, likewise.
        """
        ...

    async def check(self) -> None:
        """Raise StorageUnavailable unless objects can be kept now."""
        ...


def is_key(text: str) -> bool:
    """Tell whether the text is a key as described above."""
    return len(text) <= _MAX_KEY_LENGTH and _KEY.fullmatch(text) is not None


def check_key(key: str) -> str:
    """Return the key; raises ObjectMissing for one that no object of ours can have."""
    if not is_key(key):
        raise ObjectMissing("No file of ours can have this name.")
    return key


class Meter:
    """Counts and hashes the chunks that pass, and stops them at a limit."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._size_bytes = 0
        self._hash = blake3()

    @property
    def stored(self) -> Stored:
        """What has passed so far."""
        return Stored(self._size_bytes, self._hash.hexdigest())

    async def pass_on(self, chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        """Yield the same chunks, without empty ones; raises FileTooLarge."""
        async for chunk in chunks:
            self._size_bytes += len(chunk)
            if self._size_bytes > self._max_bytes:
                raise FileTooLarge(f"At most {self._max_bytes:,} bytes are taken here.")
            self._hash.update(chunk)
            if chunk:
                yield chunk
