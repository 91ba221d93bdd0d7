"""Sub-folders below Edited that mirror those below Raw: each made once, whoever needs it first.

The id of a folder is taken and stored before it is made, under a key that says which folder is
meant: of two that want the same one, both make the one with the stored id.
"""

import hashlib

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from comfyhoused.adapters.google.documents import FOLDER
from comfyhoused.adapters.google.drive import Drive, quote_text
from comfyhoused.adapters.google.errors import DriveFileMissing, DriveRefused
from comfyhoused.adapters.postgres.database import Database
from comfyhoused.creator.tables import Placement

_ROOT = "root"


async def find_or_make_folder(
    database: Database, drive: Drive, user_id: str, top: str, path: str
) -> str:
    """Return the id of the folder at `path` below the folder `top`; '' is `top` itself.

    Raises DriveFileMissing where `top` is gone.
    """
    parent = top
    for name in path.split("/") if path else ():
        parent = await _Folder(database, drive, user_id, parent, name, parent).find_or_make()
    return parent


async def find_or_make_top_folder(
    database: Database, drive: Drive, user_id: str, connection_id: str, name: str
) -> str:
    """Return the id of a folder at the top of the Drive that was connected.

    The top has an id that is not always ours to see; everybody calls theirs `root`.
    """
    return await _Folder(database, drive, user_id, _ROOT, name, connection_id).find_or_make()


class _Folder:
    """One folder: its own name in a `place`, which is the id of its parent or stands for it."""

    def __init__(
        self, database: Database, drive: Drive, user_id: str, parent: str, name: str, place: str
    ) -> None:
        self._database = database
        self._drive = drive
        self._user_id = user_id
        self._parent = parent
        self._name = name
        digest = hashlib.sha256(f"{place}/{name}".encode()).hexdigest()
        self._key = f"folder_{digest[:32]}"

    async def find_or_make(self) -> str:
        stored = await self._find_stored()
        if stored is not None and await self._has(stored):
            return stored
        found = await self._find_on_drive(but_not=stored)
        if found is not None:
            return await self._store(found, instead_of=stored)
        taken = (await self._drive.generate_ids())[0]
        winner = await self._store(taken, instead_of=stored)
        await self._drive.create_folder(winner, self._name, self._parent)
        return winner

    async def _has(self, folder_id: str) -> bool:
        """Tell whether the stored folder is there; made now where nobody has made it yet."""
        try:
            return not (await self._drive.get_file(folder_id)).is_trashed
        except DriveFileMissing:
            pass
        try:
            await self._drive.create_folder(folder_id, self._name, self._parent)
        except (DriveFileMissing, DriveRefused):
            return False  # it was erased by its owner, and its id cannot be used again
        return True

    async def _find_on_drive(self, but_not: str | None) -> str | None:
        """Return a folder of that name which the user has made there.

        Lists lag behind: what was found to be gone may be in them for a while.
        """
        query = (
            f"name = {quote_text(self._name)} and {quote_text(self._parent)} in parents "
            f"and mimeType = {quote_text(FOLDER)} and trashed = false"
        )
        page = await self._drive.list_files(query, page_size=2, drive_id=await self._find_drive())
        return next((one.id for one in page.files if one.id != but_not), None)

    async def _find_drive(self) -> str:
        """Return the shared drive that the parent lies in, '' where it lies in none."""
        return "" if self._parent == _ROOT else (await self._drive.get_file(self._parent)).drive_id

    async def _find_stored(self) -> str | None:
        async with self._database.begin() as session:
            found: str | None = await session.scalar(
                select(Placement.place).where(Placement.key == self._key)
            )
        return found

    async def _store(self, folder_id: str, instead_of: str | None) -> str:
        """Store the id unless another was stored meanwhile; returns the one that stands."""
        async with self._database.begin() as session:
            await session.execute(
                insert(Placement)
                .values(
                    key=self._key,
                    user_id=self._user_id,
                    is_result=False,
                    size_bytes=0,
                    digest="",
                    place=folder_id,
                )
                .on_conflict_do_nothing(index_elements=["key"])
            )
            await session.execute(
                update(Placement)
                .where(Placement.key == self._key, Placement.place == instead_of)
                .values(place=folder_id)
            )
            return (
                await session.scalars(select(Placement.place).where(Placement.key == self._key))
            ).one() or folder_id
