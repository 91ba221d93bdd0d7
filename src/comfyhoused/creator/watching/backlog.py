"""Photos that lay in a folder when it was connected: counted, and edited if their owner chooses."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.sources.sources import get_source
from comfyhoused.creator.tables import Photo
from comfyhoused.creator.watching.leases import ring_source


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many photos wait for the choice, how many were left aside by it, and their bytes.

    `is_counted` is False while the folder is still being listed for the first time.
    """

    count: int
    left_aside: int
    size_bytes: int
    is_counted: bool


async def count_backlog(session: AsyncSession, user_id: str, source_id: str) -> Backlog:
    """Return what lay there before; raises SourceNotFound. Each photo would be one edit."""
    source = await get_source(session, user_id, source_id)
    waits = Photo.state == "backlog"
    row = (
        await session.execute(
            select(
                func.count().filter(waits),
                func.count().filter(~waits),
                func.coalesce(func.sum(Photo.size_bytes), 0),
            ).where(Photo.source_id == source.id, or_(waits, _is_left_aside()))
        )
    ).one()
    return Backlog(row[0], row[1], int(row[2]), source.reconciled_at is not None)


async def edit_backlog(session: AsyncSession, user_id: str, source_id: str) -> int:
    """Have every photo that lay there edited, those that were left aside too; returns how many.

    They are looked at like new ones. What the plan has no units for waits, and is not lost.
    """
    source = await get_source(session, user_id, source_id, is_locked=True)
    source.backlog = "edit"
    chosen = await session.scalars(
        update(Photo)
        .where(Photo.source_id == source.id, or_(Photo.state == "backlog", _is_left_aside()))
        .values(state="seen", skip_code=None, skip_detail=None, looked_at=func.now())
        .returning(Photo.id)
    )
    count = len(chosen.all())
    await ring_source(session, source.id)
    return count


async def leave_backlog(session: AsyncSession, user_id: str, source_id: str) -> int:
    """Edit new photos only; returns how many are left aside. They can still be chosen later."""
    source = await get_source(session, user_id, source_id, is_locked=True)
    source.backlog = "skip"
    left = await session.scalars(
        update(Photo)
        .where(Photo.source_id == source.id, Photo.state == "backlog")
        .values(state="skipped", skip_code="backlog_not_chosen")
        .returning(Photo.id)
    )
    return len(left.all())


def _is_left_aside() -> ColumnElement[bool]:
    return and_(Photo.state == "skipped", Photo.skip_code == "backlog_not_chosen")
