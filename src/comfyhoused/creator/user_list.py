"""Creator's users as whoever runs the house sees them."""

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.tables import Book, User
from comfyhoused.kit.periods import get_period


async def list_users(session: AsyncSession) -> Sequence[User]:
    """Return all users, newest first; those who leave are not among them."""
    here = select(User).where(User.deleting_at.is_(None))
    return (await session.scalars(here.order_by(User.created_at.desc(), User.id))).all()


async def set_plan(session: AsyncSession, who: str, plan: str) -> Sequence[User]:
    """Put the user of this id or e-mail address on a plan, at once; returns none if there is none.

    Photos that wait for units are edited within seconds (`begin_waiting`, which every worker
    does). An address may stand for several. They are told anew when the plan runs low.
    """
    chosen = update(User).where((User.id == who) | (User.email == who), User.deleting_at.is_(None))
    changed = (await session.scalars(chosen.values(plan=plan).returning(User))).all()
    its_month = Book.user_id.in_([user.id for user in changed]), Book.period == get_period()
    await session.execute(update(Book).where(*its_month).values(warned_percent=0))
    return changed
