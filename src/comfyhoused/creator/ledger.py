"""The ledger of units: `reserve` → `settle` | `release`, and `credit` once for a settled one.

A month's sums (a row of `books`) are locked while an entry is written, so that whoever comes at
the same time waits: at limit−1 exactly one more is let in, from however many workers. Whatever
happens to a unit later, it belongs to the month in which it was reserved. Every verb works in its
caller's transaction and does nothing the second time.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.plans import CreatorPlanBook
from comfyhoused.creator.tables import Book, Entry, User
from comfyhoused.creator.usage import Usage
from comfyhoused.creator.usage_warnings import warn_of_usage
from comfyhoused.kit.errors import NotFound, TooManyRequests
from comfyhoused.kit.periods import get_period, show_end


class PlanUsedUp(TooManyRequests):
    """The plan's edits of this month are used, and it sells none beyond them."""

    code = "plan_used_up"
    title = "This month's edits are used"
    retryable = False


class OverageCapReached(TooManyRequests):
    """One more edit would cost more than the user lets a month cost beyond the plan."""

    code = "overage_cap_reached"
    title = "Your limit for further edits is reached"
    retryable = False


class UserGone(NotFound):
    """The user has left, and everything of theirs was erased."""

    code = "user_gone"
    title = "This user is not here any more"


async def reserve(
    session: AsyncSession,
    plans: CreatorPlanBook,
    user_id: str,
    edit_id: str,
    round: int,  # noqa: A002  the word of the tables
    units: int = 1,
    *,
    at: datetime | None = None,
) -> bool:
    """Take units for an edit's round before it begins; False where they are taken already.

    Raises PlanUsedUp or OverageCapReached, with nothing written, and UserGone.
    """
    period = get_period(at)
    book = await _lock_book(session, user_id, period)
    if await _find_entry(session, edit_id, round, "reserve") is not None:
        return False
    usage = await _read_usage(session, plans, book)
    if usage.allowance < units:
        raise _refuse(usage)
    await _write(session, book, edit_id, round, "reserve", units)
    book.reserved += units
    return True


async def settle(
    session: AsyncSession,
    plans: CreatorPlanBook,
    edit_id: str,
    round: int,  # noqa: A002
) -> bool:
    """Charge what the round has reserved; False where that is over, or nothing was reserved.

    Tells the user, once a month each, that 80 and 100 % of the plan are used.
    """
    book = await _end(session, edit_id, round, "settle")
    if book is not None:
        await warn_of_usage(session, await _read_usage(session, plans, book), book)
    return book is not None


async def release(
    session: AsyncSession,
    edit_id: str,
    round: int,  # noqa: A002
    reason: str,
) -> bool:
    """Give back what the round has reserved: it failed, or was canceled. Free."""
    return await _end(session, edit_id, round, "release", reason) is not None


async def credit(
    session: AsyncSession,
    edit_id: str,
    round: int,  # noqa: A002
    reason: str,
) -> bool:
    """Give a charged unit back, once in the life of an edit; tells whether it was now."""
    entry = await _find_entry(session, edit_id, round, "reserve")
    if entry is None:
        return False
    book = await _lock_book(session, entry.user_id, entry.period)
    kinds = await _list_kinds(session, edit_id)
    if (round, "settle") not in kinds or any(kind == "credit" for _, kind in kinds):
        return False
    await _write(session, book, edit_id, round, "credit", entry.units, reason)
    book.credited += entry.units
    return True


async def get_usage(
    session: AsyncSession, plans: CreatorPlanBook, user: User, *, at: datetime | None = None
) -> Usage:
    """Return where a user stands in the month of `at`, by default this one. Locks nothing."""
    book = await session.get(Book, (user.id, get_period(at)))
    sums = (book.reserved, book.charged, book.credited) if book else (0, 0, 0)
    return Usage(get_period(at), plans.get(user.plan), *sums, cap_cents=user.overage_cap_cents)


async def _end(
    session: AsyncSession,
    edit_id: str,
    round: int,  # noqa: A002
    kind: str,
    reason: str = "",
) -> Book | None:
    entry = await _find_entry(session, edit_id, round, "reserve")
    if entry is None:
        return None
    book = await _lock_book(session, entry.user_id, entry.period)
    kinds = await _list_kinds(session, edit_id)
    if (round, "settle") in kinds or (round, "release") in kinds:
        return None
    await _write(session, book, edit_id, round, kind, entry.units, reason)
    book.reserved -= entry.units
    if kind == "settle":
        book.charged += entry.units
    return book


async def _lock_book(session: AsyncSession, user_id: str, period: str) -> Book:
    """Return the month's sums, held until the transaction ends; raises UserGone."""
    if await session.scalar(select(User.id).where(User.id == user_id)) is None:
        raise UserGone("Nothing is charged to a user who is not here any more.")
    made = insert(Book).values(user_id=user_id, period=period).on_conflict_do_nothing()
    await session.execute(made)
    wanted = select(Book).where(Book.user_id == user_id, Book.period == period)
    fresh = wanted.with_for_update().execution_options(populate_existing=True)
    return (await session.scalars(fresh)).one()


async def _read_usage(session: AsyncSession, plans: CreatorPlanBook, book: Book) -> Usage:
    wanted = select(User.plan, User.overage_cap_cents).where(User.id == book.user_id)
    plan, cap_cents = (await session.execute(wanted)).one()
    sums = (book.reserved, book.charged, book.credited)
    return Usage(book.period, plans.get(plan), *sums, cap_cents=cap_cents)


async def _find_entry(
    session: AsyncSession,
    edit_id: str,
    round: int,  # noqa: A002
    kind: str,
) -> Entry | None:
    wanted = select(Entry).where(Entry.edit_id == edit_id, Entry.round == round, Entry.kind == kind)
    return (await session.scalars(wanted)).one_or_none()


async def _list_kinds(session: AsyncSession, edit_id: str) -> set[tuple[int, str]]:
    rows = await session.execute(select(Entry.round, Entry.kind).where(Entry.edit_id == edit_id))
    return {(row.round, row.kind) for row in rows}


async def _write(
    session: AsyncSession,
    book: Book,
    edit_id: str,
    round: int,  # noqa: A002
    kind: str,
    units: int,
    reason: str = "",
) -> None:
    entry = Entry(
        user_id=book.user_id,
        period=book.period,
        edit_id=edit_id,
        round=round,
        kind=kind,
        units=units,
        reason=reason,
    )
    session.add(entry)
    await session.flush()


def _refuse(usage: Usage) -> TooManyRequests:
    until = show_end(usage.period)
    if usage.plan.overage_cents is None:
        return PlanUsedUp(
            f"All {usage.included:,} edits of your plan {usage.plan.title} are used until {until}. "
            "A larger plan goes on at once."
        )
    return OverageCapReached(
        f"The {usage.included:,} edits of your plan {usage.plan.title} are used, and so is your "
        f"limit for further ones, until {until}. Raise it under Plan and usage to go on."
    )
