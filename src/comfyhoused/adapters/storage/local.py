"""Objects as files of a folder on the local disk; links are served by us."""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from comfyhoused.adapters.storage.disk import (
    gather_chunks,
    read_chunks,
    translate_errors,
    translate_read_errors,
)
from comfyhoused.adapters.storage.links import LinkTerms, make_path, verify_link
from comfyhoused.adapters.storage.storage import (
    Meter,
    ObjectMissing,
    Stored,
    check_key,
)
from comfyhoused.kit.clock import get_now_ms

_STALE_SECONDS = 24 * 3600
_INCOMING = ".incoming"  # no key can start with a dot


class LocalStorage:
    """A folder. Several processes may share it."""

    def __init__(self, root: Path, secret: bytes) -> None:
        """Make the folder if need be; raises StorageUnavailable if that cannot be."""
        self._root = root.resolve()
        self._secret = secret
        with translate_errors():
            self._incoming.mkdir(parents=True, exist_ok=True)
            _remove_stale(self._incoming)

    @property
    def _incoming(self) -> Path:
        return self._root / _INCOMING

    async def put(
        self, key: str, chunks: AsyncIterable[bytes], *, content_type: str, max_bytes: int
    ) -> Stored:
        """Write to the side, then move in and flush to the disk; see Storage.put.

        `content_type` is not kept: links name it themselves. Small files take one thread once.
        """
        target = self._find_path(key)
        meter = Meter(max_bytes)
        arrival = _Arrival(self._incoming)
        last: list[bytes] = []
        try:
            async for some in gather_chunks(meter.pass_on(chunks)):
                with translate_errors():
                    if last:
                        await asyncio.to_thread(arrival.write, last)
                last = some
            with translate_errors():
                await asyncio.to_thread(arrival.move_in, last, target)
        finally:
            arrival.close()
        return meter.stored

    async def read(
        self, key: str, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        """Stream the bytes; see Storage.read."""
        path = self._find_path(key)
        with translate_read_errors():
            file = await asyncio.to_thread(_open_at, path, start)
        with file:
            stop = os.fstat(file.fileno()).st_size if end is None else end
            async for chunk in read_chunks(file, stop - start):
                yield chunk

    async def get_size(self, key: str) -> int:
        """Return the length in bytes; see Storage.get_size."""
        path = self._find_path(key)
        with translate_read_errors():
            return await asyncio.to_thread(_measure, path)

    async def delete(self, key: str) -> None:
        """Remove the file and the folders that it leaves empty; see Storage.delete."""
        with translate_read_errors():
            await asyncio.to_thread(lambda: _remove(self._find_path(key), self._root))

    async def delete_many(self, keys: Sequence[str]) -> None:
        """Remove the files in one visit to a thread; see Storage.delete_many."""

        def remove_all() -> None:
            for key in keys:
                _remove(self._find_path(key), self._root)

        with translate_read_errors():
            await asyncio.to_thread(remove_all)

    async def list_keys(self, prefix: str) -> AsyncIterator[str]:
        """Yield the keys below a folder; see Storage.list_keys."""

        def list_all() -> list[str]:
            folder = self._find_path(prefix.rstrip("/")) if prefix else self._root
            return _list_files(folder, self._root)

        with translate_errors():
            keys = await asyncio.to_thread(list_all)
        for key in keys:
            yield key

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
        """Return a signed link to our own `/files/raw/{key}`; see Storage.make_link."""
        terms = LinkTerms(
            expires=get_now_ms() // 1000 + expires_in_seconds,
            content_type=content_type,
            filename=filename,
            etag=etag or "",
        )
        return public_url.rstrip("/") + make_path(self._secret, check_key(key), terms)

    def verify_link(self, key: str, parameters: Mapping[str, str]) -> LinkTerms:
        """Return how to serve an object to who followed a link; raises LinkInvalid, LinkExpired."""
        return verify_link(self._secret, key, parameters)

    async def check(self) -> None:
        """Write and remove a file; see Storage.check."""
        with translate_errors():
            file, path = await asyncio.to_thread(_open_incoming, self._incoming)
            file.close()
            path.unlink(missing_ok=True)

    def _find_path(self, key: str) -> Path:
        path = self._root / check_key(key)
        # A link that somebody laid into the folder. Resolving costs ten times what looking does.
        if _has_link(self._root, key) and not path.resolve().is_relative_to(self._root):
            raise ObjectMissing("This name leads out of the file store.")
        return path


def _has_link(root: Path, key: str) -> bool:
    """Tell whether any part of the key is a symbolic link below the root, which is none."""
    at = root
    for name in key.split("/"):
        at /= name
        if at.is_symlink():
            return True
    return False


def _open_incoming(folder: Path) -> tuple[BinaryIO, Path]:
    descriptor, path = tempfile.mkstemp(dir=folder)
    return os.fdopen(descriptor, "wb"), Path(path)


def _open_at(path: Path, start: int) -> BinaryIO:
    file = path.open("rb", buffering=0)
    file.seek(start)
    return file


def _measure(path: Path) -> int:
    if path.is_dir():
        raise IsADirectoryError(path)
    return path.stat().st_size


class _Arrival:
    """A file that is being written to the side. Its methods block; `close` does not."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: BinaryIO | None = None
        self._path = folder

    def write(self, chunks: Sequence[bytes]) -> BinaryIO:
        if self._file is None:
            self._file, self._path = _open_incoming(self._folder)
        self._file.writelines(chunks)
        self._file.flush()
        return self._file

    def move_in(self, chunks: Sequence[bytes], target: Path) -> None:
        """Write the rest, move it to its place and flush it to the disk with its folders.

        A new file moves first: then the disk is waited for once, not twice. Nobody is told
        of it before that, so what a power cut may leave there torn is known to nobody. What
        replaces a file must be whole on the disk before.
        """
        file = self.write(chunks)
        is_new = not target.exists()
        if not is_new:
            os.fsync(file.fileno())
        new_folders = [folder for folder in target.parents if not folder.exists()]
        _rename(self._path, target)
        try:
            if is_new:
                os.fsync(file.fileno())
            for folder in {target.parent, *(folder.parent for folder in new_folders)}:
                _sync_folder(folder)
        except OSError:
            if is_new:
                target.unlink(missing_ok=True)
            raise

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._path.unlink(missing_ok=True)


def _rename(path: Path, target: Path) -> None:
    for _ in range(10):  # a delete may prune the folder between the two steps
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.replace(target)
        except FileNotFoundError:
            continue
        return
    raise OSError(None, "the folder of the file vanishes again and again")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path, root: Path) -> None:
    if not (root / _INCOMING).is_dir():  # an unmounted disk must not look like an empty one
        raise OSError(None, "the folder of the file store is gone")
    try:
        path.unlink(missing_ok=True)
    except (IsADirectoryError, NotADirectoryError):  # a part of other keys, not an object
        return
    for folder in path.parents:
        if folder == root:
            return
        try:
            folder.rmdir()
        except FileNotFoundError:
            continue
        except OSError:  # not empty
            return


def _list_files(folder: Path, root: Path) -> list[str]:
    incoming = root / _INCOMING
    return sorted(
        path.relative_to(root).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and incoming not in path.parents
    )


def _remove_stale(folder: Path) -> None:
    """Remove what writers left behind that were killed."""
    for path in folder.iterdir():
        try:
            if path.stat().st_mtime < time.time() - _STALE_SECONDS:
                path.unlink(missing_ok=True)
        except FileNotFoundError:
            continue
