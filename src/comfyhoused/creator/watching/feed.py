"""The changes feed of a connection: what happened since, page by page.

How far it was read (`page_token`) is stored in the transaction that stores the page's photos: a
watcher that is killed reads the page again, and nothing is passed over. Changes are hints: what a
page leads to is idempotent, and listings find what it missed.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.adapters.google.documents import Change, ChangePage, DriveFile
from comfyhoused.adapters.google.drive import Drive
from comfyhoused.adapters.google.errors import PageTokenInvalid
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.intake import Look, note_files_gone, take_in
from comfyhoused.creator.news import tell
from comfyhoused.creator.sources.drive import make_seen
from comfyhoused.creator.sources.folder import SeenFile
from comfyhoused.creator.sources.opening import open_drive, open_drive_folder
from comfyhoused.creator.sources.sources import LONG_AGO, rescan_sources
from comfyhoused.creator.tables import Connection, Source
from comfyhoused.creator.watching.leases import bring_forward, ring_source
from comfyhoused.creator.watching.tree import FolderTree


async def read_feed(house: CreatorHouse, connection: Connection) -> None:
    """Read a claimed connection's feed to its end; raises what Drive raises."""
    drive = open_drive(house, connection.id)
    if connection.page_token is None:
        await _begin_feed(house, connection, drive)
    reading = _Reading(house, connection, drive, await _list_sources(house, connection))
    try:
        while not await reading.read_page():
            continue
    except PageTokenInvalid:
        await _begin_feed(house, connection, drive)
    async with house.database.begin() as session:
        await session.execute(
            update(Connection)
            .where(Connection.id == connection.id)
            .values(polled_at=func.now(), misses=0)
        )


async def _begin_feed(house: CreatorHouse, connection: Connection, drive: Drive) -> None:
    """Take the feed up from now on, and have listed whatever may have come before."""
    token = await drive.get_start_page_token()
    async with house.database.begin() as session:
        if await _move_on(session, connection, token):
            await rescan_sources(session, connection.id)


async def _move_on(session: AsyncSession, connection: Connection, token: str) -> bool:
    """Store how far the feed was read, unless another has read on meanwhile."""
    moved = await session.scalar(
        update(Connection)
        .where(
            Connection.id == connection.id,
            Connection.page_token.is_not_distinct_from(connection.page_token),
        )
        .values(page_token=token)
        .returning(Connection.id)
    )
    connection.page_token = token
    return moved is not None


async def _list_sources(house: CreatorHouse, connection: Connection) -> Sequence[Source]:
    """Return its sources, paused ones too: their photos are stored, and wait."""
    async with house.database.begin() as session:
        rows = await session.scalars(
            select(Source).where(Source.connection_id == connection.id, Source.state != "removed")
        )
        return rows.all()


class _Reading:
    """One reading of the feed; it remembers folders only as long as it lasts."""

    def __init__(
        self, house: CreatorHouse, connection: Connection, drive: Drive, sources: Sequence[Source]
    ) -> None:
        self._house = house
        self._connection = connection
        self._drive = drive
        self._sources = sources
        self._tree = FolderTree(drive, sources)

    async def read_page(self) -> bool:
        """Read and store one page; returns whether it was the last."""
        assert self._connection.page_token is not None
        page = await self._drive.list_changes(self._connection.page_token)
        seen, stirred = await self._sort(page)
        gone = [change.file_id for change in page.changes if _is_gone(change)]
        async with self._house.database.begin() as session:
            for source_id, files in sorted(seen.items()):
                await take_in(session, source_id, Look(files))
            if gone:
                await note_files_gone(session, [one.id for one in self._sources], gone)
            await self._ring(session, seen.keys(), stirred)
            await _move_on(session, self._connection, page.next_token)
        if seen or gone:
            user_id = self._connection.user_id
            await tell(self._house.resources.store, user_id, "photos.changed", {})
        return page.is_last

    async def _sort(self, page: ChangePage) -> tuple[dict[str, list[SeenFile]], set[str]]:
        """Return the photos of each source, and the sources whose folders have changed."""
        seen: dict[str, list[SeenFile]] = defaultdict(list)
        stirred: set[str] = set()
        folders = [one.file for one in page.changes if one.file and one.file.is_folder]
        for folder in folders:
            self._tree.forget(folder.id)
        for folder in folders:
            # It may have brought photos with it, of which the feed says nothing.
            place = await self._tree.find_place(folder)
            if place is not None:
                stirred.add(place.source.id)
        # A source's own folder: it may be gone, or back.
        stirred |= {one.id for one in self._sources if one.raw_key in _list_ids(page)}
        for change in page.changes:
            if change.file is not None and not _is_gone(change) and not change.file.is_folder:
                await self._place(change.file, seen)
        return seen, stirred

    async def _place(self, file: DriveFile, seen: dict[str, list[SeenFile]]) -> None:
        place = await self._tree.find_place(file)
        if place is None:
            return
        if not file.is_shortcut:
            seen[place.source.id].append(make_seen(file, place.path))
            return
        folder = open_drive_folder(self._house, place.source)
        seen[place.source.id].append(await folder.follow(file, place.path))

    async def _ring(
        self, session: AsyncSession, changed: Collection[str], stirred: Collection[str]
    ) -> None:
        settle_seconds = self._house.settings.settle_look_seconds
        for source_id in sorted(changed):
            await ring_source(session, source_id, settle_seconds)
        if stirred:
            await session.execute(
                update(Source)
                .where(Source.id.in_(stirred), Source.reconciled_at.is_not(None))
                .values(reconciled_at=LONG_AGO, next_look_at=bring_forward())
            )


def _list_ids(page: ChangePage) -> frozenset[str]:
    return frozenset(change.file_id for change in page.changes)


def _is_gone(change: Change) -> bool:
    return change.file is None or change.file.is_trashed
