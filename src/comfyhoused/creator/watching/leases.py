"""Who looks at what: due sources and connections are claimed in Postgres, for a short time.

A claim is a lease that its holder renews while it works; a watcher that was killed holds nothing
for long. Nothing depends on there being one holder only, as all intake may be done twice: leases
save work. A ring (`ring_source`, `ring_connection`) makes a look due at once; one that comes while
somebody looks is kept for the look after it. Where Google has failed or told us to wait, rings
change nothing: the look that is planned finds whatever they mean.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, case, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.adapters.postgres.database import Database
from comfyhoused.creator.tables import Connection, Source, User
from comfyhoused.kit.errors import Unavailable

#: Sources in these states are looked at; a broken one may be whole again.
WATCHED_STATES = ("active", "broken")

Row = TypeVar("Row", Source, Connection)


@dataclass(frozen=True, slots=True)
class Claims:
    """What one watcher claims, under its name, for `lease_seconds` at a time."""

    database: Database
    holder: str
    lease_seconds: float

    async def claim_sources(self, limit: int) -> list[Source]:
        """Claim sources whose look is due, the longest due first."""
        is_watched = Source.state.in_(WATCHED_STATES)
        async with self.database.begin() as session:
            return await self._claim(session, Source, is_watched, limit, self._lease)

    async def claim_connections(self, limit: int, poll_seconds: float) -> list[Connection]:
        """Claim connections with sources whose feed is due; the next reading is due by poll."""
        has_source = exists().where(
            Source.connection_id == Connection.id, Source.state.in_(WATCHED_STATES)
        )
        poll = timedelta(seconds=poll_seconds)
        is_read = (Connection.state == "connected") & has_source
        async with self.database.begin() as session:
            return await self._claim(session, Connection, is_read, limit, poll)

    @asynccontextmanager
    async def hold(self, row: Source | Connection) -> AsyncIterator[None]:
        """Renew the claim within the block and give it up in the end.

        Who loses it (this process stood still for long) is stopped: another is at work.
        """
        work = asyncio.current_task()
        assert work is not None
        renewing = asyncio.create_task(self._renew(row, work))
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            with suppress(Unavailable):
                await self._give_up(row)

    @property
    def _lease(self) -> timedelta:
        return timedelta(seconds=self.lease_seconds)

    async def _claim(
        self,
        session: AsyncSession,
        table: type[Row],
        condition: ColumnElement[bool],
        limit: int,
        next_look: timedelta,
    ) -> list[Row]:
        stays = exists().where(User.id == table.user_id, User.deleting_at.is_(None))
        due = (
            select(table.id)
            .where(
                table.next_look_at <= func.now(),
                or_(table.lease_until.is_(None), table.lease_until < func.now()),
                condition,
                stays,
            )
            .order_by(table.next_look_at)
            .limit(limit)
            .with_for_update(skip_locked=True, of=table)
            .scalar_subquery()
        )
        claimed = await session.scalars(
            update(table)
            .where(table.id.in_(due))
            .values(
                lease_until=func.now() + self._lease,
                lease_holder=self.holder,
                next_look_at=func.now() + next_look,
            )
            .returning(table)
            .execution_options(synchronize_session=False)
        )
        return list(claimed)

    async def _renew(self, row: Source | Connection, work: "asyncio.Task[Any]") -> None:
        while True:
            await asyncio.sleep(self.lease_seconds / 3)
            with suppress(Unavailable):
                if not await self._set_lease(row, func.now() + self._lease):
                    work.cancel("another watcher has taken it over")
                    return

    async def _give_up(self, row: Source | Connection) -> None:
        await self._set_lease(row, None)

    async def _set_lease(
        self, row: Source | Connection, until: ColumnElement[datetime] | None
    ) -> bool:
        table = type(row)
        async with self.database.begin() as session:
            held = await session.scalar(
                update(table)
                .where(table.id == row.id, table.lease_holder == self.holder)
                .values(lease_until=until)
                .returning(table.id)
            )
        return held is not None


async def ring_source(session: AsyncSession, source_id: str, in_seconds: float = 0) -> None:
    """Have the source looked at, now or so soon."""
    await session.execute(
        update(Source).where(Source.id == source_id).values(next_look_at=bring_forward(in_seconds))
    )


def bring_forward(in_seconds: float = 0) -> ColumnElement[datetime]:
    """Return when a source is looked at next if it is rung for, as a value of `next_look_at`."""
    # A broken one is looked at whenever somebody may have put it right; a disk does not mind.
    must_wait = (Source.kind == "drive") & (Source.state == "active") & (Source.misses > 0)
    sooner = func.least(Source.next_look_at, func.now() + timedelta(seconds=in_seconds))
    return case((must_wait, Source.next_look_at), else_=sooner)


async def ring_connection(session: AsyncSession, connection_id: str) -> None:
    """Have the connection's feed read now."""
    await session.execute(
        update(Connection)
        .where(Connection.id == connection_id, Connection.misses == 0)
        .values(next_look_at=func.least(Connection.next_look_at, func.now()))
    )
