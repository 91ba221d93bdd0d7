"""Notifications do not pile up: the old ones go, and of a batch's thousands all but the newest.

What still waits to be mailed stays until it was.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select, text

from comfyhoused.adapters.postgres.database import Database
from comfyhoused.creator.tables import Notification, User
from comfyhoused.kit.clock import get_now

#: What was told so long ago is not kept.
KEPT_FOR = timedelta(days=90)
#: Where a user has more than these, the older ones about single photos go.
MOST_KEPT = 2_000
#: Of these a batch brings thousands; none of them is told a second time.
OF_SINGLE_PHOTOS = (
    "edit_delivered",
    "edit_held",
    "edit_failed",
    "delivery_failed",
    "upload_failed",
)

_USERS_AT_ONCE = 200
_DROPPED_AT_ONCE = 2_000

#: Who has more than so many, and when the newest was told that is one too many.
_CROWDED = text("""
SELECT u.id, first.created_at FROM unnest(CAST(:ids AS text[])) AS u(id)
CROSS JOIN LATERAL (
    SELECT n.created_at FROM notifications n WHERE n.user_id = u.id
    ORDER BY n.created_at DESC, n.id DESC OFFSET :most LIMIT 1
) first
""")


async def forget_notifications(database: Database, *, at: datetime | None = None) -> int:
    """Delete what is not kept any more (at `at`, by default now); returns how many."""
    count, after = 0, ""
    while user_ids := await _list_users(database, after):
        after = user_ids[-1]
        is_old = Notification.created_at < (at or get_now()) - KEPT_FOR
        count += await _drop(database, Notification.user_id.in_(user_ids), is_old)
        for user_id, told_at in await _list_crowded(database, user_ids):
            count += await _drop(
                database,
                Notification.user_id == user_id,
                Notification.created_at <= told_at,
                Notification.kind.in_(OF_SINGLE_PHOTOS),
            )
    return count


async def _list_users(database: Database, after: str) -> Sequence[str]:
    query = select(User.id).where(User.id > after).order_by(User.id).limit(_USERS_AT_ONCE)
    async with database.begin() as session:
        return (await session.scalars(query)).all()


async def _list_crowded(
    database: Database, user_ids: Sequence[str]
) -> Sequence[tuple[str, datetime]]:
    async with database.begin() as session:
        rows = await session.execute(_CROWDED, {"ids": list(user_ids), "most": MOST_KEPT})
        return [(row.id, row.created_at) for row in rows]


async def _drop(database: Database, *conditions: ColumnElement[bool]) -> int:
    """Delete these, some at a time, but for what waits to be mailed."""
    is_settled = (Notification.mail == "none") | Notification.mailed_at.is_not(None)
    some = select(Notification.id).where(*conditions, is_settled).limit(_DROPPED_AT_ONCE)
    gone = delete(Notification).where(Notification.id.in_(some)).returning(Notification.id)
    count = 0
    while True:
        async with database.begin() as session:
            dropped = len((await session.scalars(gone)).all())
        count += dropped
        if dropped < _DROPPED_AT_ONCE:
            return count
