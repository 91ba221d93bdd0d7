"""What the bell shows. Things are told in the transaction in which they happen, each once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.tables import Notification
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.ids import make_id

Mailing = Literal["digest", "now", "none"]

PAGE_SIZE = 30
_MOST = 100
_MOST_COUNTED = 1000


@dataclass(frozen=True, slots=True)
class NotificationPage:
    """Notifications, newest first; `after` asks for the older ones, None where there are none."""

    items: Sequence[Notification]
    after: tuple[datetime, str] | None


async def notify(
    session: AsyncSession,
    user_id: str,
    kind: str,
    once: str,
    title: str,
    detail: str = "",
    link: str = "",
    mail: Mailing = "none",
) -> bool:
    """Tell a user something; of all with the same `once` only the first is told.

    `link` is a path of ours. `mail`: `now`, or `digest` with what else happens in the hour.
    """
    fields = {"user_id": user_id, "kind": kind, "once": once, "title": title, "detail": detail}
    row = insert(Notification).values(
        id=make_id("note"), link=link, mail=mail, created_at=get_now(), **fields
    )
    taken = row.on_conflict_do_nothing(index_elements=["user_id", "once"])
    return (await session.scalar(taken.returning(Notification.id))) is not None


async def list_notifications(
    session: AsyncSession,
    user_id: str,
    *,
    after: tuple[datetime, str] | None = None,
    most: int = PAGE_SIZE,
) -> NotificationPage:
    """Return a page of a user's notifications, newest first."""
    most = min(most, _MOST)
    order = (Notification.created_at, Notification.id)
    wanted = select(Notification).where(Notification.user_id == user_id)
    if after is not None:
        wanted = wanted.where(tuple_(*order) < after)
    rows = (
        await session.scalars(wanted.order_by(*(key.desc() for key in order)).limit(most + 1))
    ).all()
    last = rows[most - 1] if len(rows) > most else None
    return NotificationPage(rows[:most], (last.created_at, last.id) if last else None)


async def count_unread(session: AsyncSession, user_id: str) -> int:
    """Return how many notifications the user has not read; a thousand stands for all above."""
    mine = (Notification.user_id == user_id, Notification.read_at.is_(None))
    some = select(Notification.user_id).where(*mine).limit(_MOST_COUNTED).subquery()
    return await session.scalar(select(func.count()).select_from(some)) or 0


async def read_notifications(
    session: AsyncSession, user_id: str, *, ids: Sequence[str] | None = None
) -> int:
    """Mark the user's notifications of these ids as read, by default all; returns how many."""
    unread = update(Notification).where(
        Notification.user_id == user_id, Notification.read_at.is_(None)
    )
    if ids is not None:
        unread = unread.where(Notification.id.in_(ids))
    done = await session.scalars(unread.values(read_at=get_now()).returning(Notification.id))
    return len(done.all())
