"""What only the local disk can get wrong."""

import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from comfyhoused.adapters.storage.local import LocalStorage
from comfyhoused.adapters.storage.storage import ObjectMissing, StorageUnavailable


async def one(data: bytes) -> AsyncIterator[bytes]:
    yield data


def list_files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


async def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "private.txt").write_text("private")
    storage = LocalStorage(tmp_path / "root", b"")
    (tmp_path / "root" / "out").symlink_to(tmp_path)
    (tmp_path / "root" / "file.txt").symlink_to(tmp_path / "private.txt")
    for key in ("out/private.txt", "file.txt"):
        with pytest.raises(ObjectMissing):
            await storage.get_size(key)
        with pytest.raises(ObjectMissing):
            await storage.put(key, one(b"x"), content_type="text/plain", max_bytes=1)
        with pytest.raises(ObjectMissing):
            await storage.delete(key)
    assert (tmp_path / "private.txt").read_text() == "private"


async def test_deleting_leaves_no_empty_folders(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path, b"")
    for key in ("jobs/1/a/0.png", "jobs/1/b/0.png"):
        await storage.put(key, one(b"x"), content_type="image/png", max_bytes=1)
    await storage.delete("jobs/1/a/0.png")
    assert not (tmp_path / "jobs/1/a").exists()
    await storage.delete("jobs/1/b/0.png")
    assert not (tmp_path / "jobs").exists()
    assert tmp_path.exists()


async def test_a_folder_is_no_object(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path, b"")
    await storage.put("jobs/1/0.png", one(b"x"), content_type="image/png", max_bytes=1)
    with pytest.raises(ObjectMissing):
        await storage.get_size("jobs/1")
    await storage.delete("jobs/1")
    await storage.delete("jobs/1/0.png/deeper.png")
    assert list_files(tmp_path) == ["jobs/1/0.png"]


async def test_what_a_killed_writer_left_is_removed_a_day_later(tmp_path: Path) -> None:
    LocalStorage(tmp_path, b"")
    old, young = tmp_path / ".incoming" / "old", tmp_path / ".incoming" / "young"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 90_000,) * 2)
    storage = LocalStorage(tmp_path, b"")
    assert list_files(tmp_path) == [".incoming/young"]
    assert [key async for key in storage.list_keys("")] == []


async def test_a_folder_that_vanished_is_unavailable(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "root", b"")
    (tmp_path / "root" / ".incoming").rmdir()
    (tmp_path / "root").rmdir()
    (tmp_path / "root").write_text("in the way")
    with pytest.raises(StorageUnavailable):
        await storage.check()
    with pytest.raises(StorageUnavailable):
        await storage.put("a.png", one(b"x"), content_type="image/png", max_bytes=1)


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageUnavailable):
        LocalStorage(tmp_path / "file" / "root", b"")
