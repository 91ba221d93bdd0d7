"""A source on a disk: the operator's folder of local photos, watched and written beside.

A file's key is its path below Raw. All work on the disk is done in threads: a network disk may
take its time.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from pathlib import Path

from comfyhoused.adapters.postgres.database import Database
from comfyhoused.creator.sources import placements
from comfyhoused.creator.sources.beneath import (
    DiskAway,
    open_file_beneath,
    open_folder_beneath,
)
from comfyhoused.creator.sources.disk_threads import run_on_disk
from comfyhoused.creator.sources.folder import FileGone, FolderGone, Placed, SeenFile
from comfyhoused.creator.sources.local_listing import list_files, look_at, make_revision
from comfyhoused.creator.sources.local_samples import digest_parts
from comfyhoused.creator.sources.local_writing import has_name, list_names, write_file
from comfyhoused.creator.tables import Placement
from comfyhoused.kit.ids import make_id

_COPY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """One local source. `raw` and `edited` are paths below `root`; see SourceFolder.

    `apart` are paths below `root` that other sources watch or write into.
    """

    database: Database
    user_id: str
    root: Path
    raw: str
    edited: str
    is_deep: bool = True
    apart: Collection[str] = ()

    async def list_raw(self) -> AsyncIterator[SeenFile]:
        apart = frozenset((*self.apart, self.edited))
        files = await run_on_disk(
            lambda: list(list_files(self.root, self.raw, apart, is_deep=self.is_deep))
        )
        for file in files:
            yield file

    async def look(self, key: str) -> SeenFile:
        return await run_on_disk(self._look, key)

    async def read_digest(self, seen: SeenFile) -> str:
        return await run_on_disk(self._read_digest, seen)

    async def read_sample(self, seen: SeenFile) -> str:
        return await run_on_disk(self._read_sample, seen)

    async def fetch(self, seen: SeenFile, target: Path) -> None:
        await run_on_disk(self._fetch, seen, target)

    async def take_key(self) -> str:
        return make_id("put")

    async def put_edited(
        self, key: str, folder: str, name: str, content_type: str, content: Path, edit_id: str
    ) -> Placed:
        below = f"{self.edited}/{folder}" if folder else self.edited
        return await self._put(key, below, name, content, edit_id)

    async def put_raw(self, key: str, name: str, content_type: str, content: Path) -> Placed:
        return await self._put(key, self.raw, name, content, "")

    async def _put(self, key: str, folder: str, name: str, content: Path, mark: str) -> Placed:
        digest = await placements.read_digest(content)
        while True:
            placement = await self._find_placement(key)
            if placement is None or placement.place is None:
                await self._plan(key, folder, name, digest, content, bool(mark))
                continue
            place = placement.place
            if await run_on_disk(self._write, place, key, content, mark):
                return Placed(place)
            if await self._has_digest(place, digest):
                return Placed(place)  # an earlier try has put it there
            await self._give_up_place(key)

    async def _find_placement(self, key: str) -> Placement | None:
        async with self.database.begin() as session:
            return await placements.find_placement(session, key)

    async def _plan(
        self, key: str, folder: str, name: str, digest: str, content: Path, is_result: bool
    ) -> None:
        """Choose a name that is free, and store it before a byte is written under it."""
        size_bytes = (await asyncio.to_thread(content.stat)).st_size
        await run_on_disk(self._check_mounted)
        for one in list_names(name):
            if await run_on_disk(has_name, self.root, folder, one):
                continue
            placement = Placement(
                key=key,
                user_id=self.user_id,
                is_result=is_result,
                size_bytes=size_bytes,
                digest=digest,
                place=f"{folder}/{one}",
            )
            async with self.database.begin() as session:
                if await placements.plan_place(session, placement):
                    return

    async def _give_up_place(self, key: str) -> None:
        """Somebody gave another file that name before ours was there."""
        async with self.database.begin() as session:
            await placements.give_up_place(session, key)

    async def _has_digest(self, place: str, digest: str) -> bool:
        def read() -> bool:
            with open_file_beneath(self.root, place) as descriptor:
                return _digest_open_file(descriptor) == digest

        try:
            return await run_on_disk(read)
        except FileGone:
            return False

    def _write(self, place: str, key: str, content: Path, mark: str) -> bool:
        self._check_mounted()
        folder, _, name = place.rpartition("/")
        return write_file(self.root, folder, name, key, content, mark)

    def _check_mounted(self) -> None:
        """Write nothing where Raw is missing: it would land on the disk below the mount point."""
        try:
            with open_folder_beneath(self.root, self.raw):
                return
        except FolderGone as error:
            raise DiskAway(f"The folder “{self.raw}” is not there just now.") from error

    def _look(self, key: str) -> SeenFile:
        with open_file_beneath(self.root, f"{self.raw}/{key}") as descriptor:
            return look_at(descriptor, key)

    def _read_digest(self, seen: SeenFile) -> str:
        with open_file_beneath(self.root, f"{self.raw}/{seen.key}") as descriptor:
            return _digest_open_file(descriptor)

    def _read_sample(self, seen: SeenFile) -> str:
        with open_file_beneath(self.root, f"{self.raw}/{seen.key}") as descriptor:
            _check_revision(descriptor, seen)
            sample = digest_parts(descriptor, seen.size_bytes)
            _check_revision(descriptor, seen)
        return sample

    def _fetch(self, seen: SeenFile, target: Path) -> None:
        with open_file_beneath(self.root, f"{self.raw}/{seen.key}") as descriptor:
            _check_revision(descriptor, seen)
            with os.fdopen(os.dup(descriptor), "rb") as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy, _COPY_BYTES)
            _check_revision(descriptor, seen)


def _check_revision(descriptor: int, seen: SeenFile) -> None:
    if make_revision(os.fstat(descriptor)) != seen.revision:
        raise FileGone(f"“{seen.name}” has changed since; its new version is edited instead.")


def _digest_open_file(descriptor: int) -> str:
    with os.fdopen(os.dup(descriptor), "rb") as file:
        return placements.digest_file(file)
