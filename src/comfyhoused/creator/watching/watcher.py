"""A watcher: claims what is due and looks at it, many things at once. Several may run."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.tables import Connection, Source
from comfyhoused.creator.watching.channels import drop_idle_channels, tend_channels
from comfyhoused.creator.watching.feed import read_feed
from comfyhoused.creator.watching.leases import Claims
from comfyhoused.creator.watching.looks import STINT_SECONDS, look_at_source
from comfyhoused.creator.watching.memory import Memory
from comfyhoused.creator.watching.troubles import Outcome, note_feed_trouble, note_outcome
from comfyhoused.kit.errors import ComfyhouseError, Unavailable
from comfyhoused.kit.log import get_logger

log = get_logger(__name__)

_TICK_SECONDS = 0.25
_AWAY_SECONDS = 1.0
_CHORES_SECONDS = 60.0
_SOURCES_AT_ONCE = 64
_CONNECTIONS_AT_ONCE = 32


class OurFault(Unavailable):
    """A look met a fault of ours; it is tried again later, and others go on."""

    code = "look_failed"
    title = "We could not look at the folder"


class Watcher:
    """Looks at sources and reads feeds until it is stopped (cancelled)."""

    def __init__(self, house: CreatorHouse, name: str) -> None:
        self._house = house
        lease_seconds = house.resources.settings.jobs.lease_seconds
        self._claims = Claims(house.database, name, lease_seconds)
        self._sources: set[asyncio.Task[None]] = set()
        self._connections: set[asyncio.Task[None]] = set()
        self._memories: dict[str, Memory] = {}

    async def work(self) -> None:
        """Claim and look, for ever; what is under way is given up in the end."""
        tending = asyncio.create_task(self._tend())
        try:
            while True:
                try:
                    await self._claim_due()
                except Unavailable as error:
                    log.warning("watching waits: %s", error.detail)
                    await asyncio.sleep(_AWAY_SECONDS)
                await asyncio.sleep(_TICK_SECONDS)
        finally:
            await _end([tending, *self._sources, *self._connections])

    async def _claim_due(self) -> None:
        poll_seconds = self._house.settings.poll_seconds
        room = _CONNECTIONS_AT_ONCE - len(self._connections)
        for connection in await self._claims.claim_connections(room, poll_seconds):
            _begin(self._connections, self._read(connection))
        room = _SOURCES_AT_ONCE - len(self._sources)
        for source in await self._claims.claim_sources(room):
            _begin(self._sources, self._look(source))

    async def _look(self, source: Source) -> None:
        async with self._claims.hold(source):
            outcome = await self._find_outcome(source)
            async with self._house.database.begin() as session:
                await note_outcome(session, outcome)

    @property
    def _stint_seconds(self) -> float:
        """Staying with a local folder is a saving, until others wait for the place."""
        return STINT_SECONDS if len(self._sources) <= _SOURCES_AT_ONCE // 2 else 0.0

    async def _find_outcome(self, source: Source) -> Outcome:
        try:
            memory = self._memories.setdefault(source.id, Memory())
            due_at = await look_at_source(self._house, source, memory, self._stint_seconds)
        except ComfyhouseError as error:
            log.info("source %s cannot be looked at: %s", source.id, error.detail)
            return Outcome(source, error)
        except Exception:  # the border of a look: one broken source must not end the others
            log.exception("the look at source %s met a fault of ours", source.id)
            return Outcome(source, OurFault("It is tried again in a while."))
        return Outcome(source, None, due_at)

    async def _read(self, connection: Connection) -> None:
        async with self._claims.hold(connection):
            try:
                await read_feed(self._house, connection)
                await tend_channels(self._house, connection)
            except ComfyhouseError as error:
                log.info("the feed of %s cannot be read: %s", connection.id, error.detail)
                await self._note_trouble(connection, error)
            except Exception:  # the border of a look, as above
                log.exception("the feed of %s met a fault of ours", connection.id)
                await self._note_trouble(connection, OurFault("It is tried again in a while."))

    async def _note_trouble(self, connection: Connection, error: ComfyhouseError) -> None:
        async with self._house.database.begin() as session:
            await note_feed_trouble(session, connection, error)

    async def _tend(self) -> None:
        while True:
            await _do("dropping idle channels", lambda: drop_idle_channels(self._house))
            # Those that are looked at are made anew, or were: nothing grows for ever.
            self._memories = {id_: one for id_, one in self._memories.items() if not one.is_old}
            await asyncio.sleep(_CHORES_SECONDS)


def _begin(tasks: set[asyncio.Task[None]], work: Coroutine[None, None, None]) -> None:
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(lambda done: _end_one(tasks, done))


def _end_one(tasks: set[asyncio.Task[None]], task: asyncio.Task[None]) -> None:
    tasks.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        # Postgres went away between two steps: the lease ends by itself.
        log.warning("a look was cut off: %s", error)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _do(chore: str, act: Callable[[], Awaitable[object]]) -> None:
    try:
        await act()
    except ComfyhouseError as error:
        log.warning("%s waits: %s", chore, error.detail)
    except Exception:  # the border of a chore
        log.exception("%s met a fault of ours", chore)
