"""Steps as claims on rows: who holds a row for how long, and what only the holder may write.

A claim takes rows that are due under a lease; while the step works, the lease is renewed. Whoever
is killed is silent, and when the lease is over the row is due again: every step is right when it
is done twice. What a step has found is written only while it still holds the row.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.adapters.postgres.database import Database
from comfyhoused.creator.tables import Delivery, Edit

#: What may go wrong on our side with one row before it is given up: a fault, a lost job.
MOST_SETBACKS = 5

Row = TypeVar("Row", Edit, Delivery)
Claimable = type[Edit] | type[Delivery]


class LeaseGone(Exception):
    """Another worker has the row, or its owner has changed it: what was found is not written."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A row that is held: its table and id, and the name of the hold."""

    table: Claimable
    id: str
    holder: str


async def hold_edit(session: AsyncSession, claim: Claim) -> Edit:
    """Return the claimed edit, locked; raises LeaseGone."""
    return _check(await session.get(Edit, claim.id, with_for_update=True), claim)


async def hold_delivery(session: AsyncSession, claim: Claim) -> Delivery:
    """Return the claimed delivery, locked; raises LeaseGone."""
    return _check(await session.get(Delivery, claim.id, with_for_update=True), claim)


async def renew(database: Database, claim: Claim, lease_seconds: float) -> None:
    """Hold the row for so long from now on; raises LeaseGone."""
    until = func.now() + timedelta(seconds=lease_seconds)
    async with database.begin() as session:
        found = await session.execute(
            update(claim.table)
            .where(claim.table.id == claim.id, claim.table.lease_holder == claim.holder)
            .values(lease_until=until, next_try_at=until)
            .returning(claim.table.id)
        )
        if found.scalar() is None:
            raise LeaseGone(claim.id)


async def postpone(database: Database, claim: Claim, seconds: float) -> None:
    """Let go of the row, to be tried again after so long; nothing where it is not held."""
    async with database.begin() as session:
        await session.execute(
            update(claim.table)
            .where(claim.table.id == claim.id, claim.table.lease_holder == claim.holder)
            .values(
                lease_until=None,
                lease_holder=None,
                next_try_at=func.now() + timedelta(seconds=seconds),
            )
        )


async def note_setback(database: Database, claim: Claim) -> int:
    """Count one more setback of the row, and return how many there were; 0 where it is not held."""
    async with database.begin() as session:
        counted = (
            update(claim.table)
            .where(claim.table.id == claim.id, claim.table.lease_holder == claim.holder)
            .values(setbacks=claim.table.setbacks + 1)
            .returning(claim.table.setbacks)
        )
        return await session.scalar(counted) or 0


async def count_tries(database: Database, claim: Claim) -> int:
    """Return how often the row was tried in this state; 0 where it is not held."""
    async with database.begin() as session:
        query = select(claim.table.tries).where(
            claim.table.id == claim.id, claim.table.lease_holder == claim.holder
        )
        return await session.scalar(query) or 0


def _check(row: Row | None, claim: Claim) -> Row:
    if row is None or row.lease_holder != claim.holder:
        raise LeaseGone(claim.id)
    return row
