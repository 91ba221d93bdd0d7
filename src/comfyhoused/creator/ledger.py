"""The ledger of units: `reserve` → `settle` | `release`, and `credit` once for a settled one.

A month's sums (a row of `books`) are locked while an entry is written, so that whoever comes at
the same time waits: at limit−1 exactly one more is let in, from however many workers. Whether a
unit is charged or released, it belongs to the month in which it was reserved; a credit belongs to
the month in which it is given, because a month that is over has been billed. Every verb works in
its caller's transaction and does nothing the second time.

What a unit may cost is agreed when it is reserved, within the cap, and stands in its entry. It
costs nothing if the plan still has room for it when it is charged, and never more than agreed,
whatever becomes of plan, prices or cap. An included unit that is given back leaves its place to
one that was beyond the plan, which then costs nothing.
"""

from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.plans import CreatorPlanBook
from comfyhoused.creator.tables import Book, Entry, User
from comfyhoused.creator.usage import Usage, count_room, make_empty_book
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
    *,
    at: datetime | None = None,
) -> bool:
    """Take a unit for an edit's round before it begins; False where it is taken already.

    Raises PlanUsedUp or OverageCapReached, with nothing written, and UserGone.
    """
    period = get_period(at)
    book = await _lock_book(session, user_id, period)
    if await _find_entry(session, edit_id, round, "reserve") is not None:
        return False
    usage = await _read_usage(session, plans, book)
    if usage.allowance < 1:
        raise _refuse(usage)
    cents = 0 if usage.left else usage.plan.overage_cents or 0
    await _write(session, book, edit_id, round, "reserve", cents=cents)
    book.included = usage.plan.included
    book.reserved += 1
    book.held += cents > 0
    book.held_cents += cents
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
    held = await _take_reserved(session, edit_id, round)
    if held is None:
        return False
    book, agreed = held
    usage = await _read_usage(session, plans, book)
    cents = 0 if usage.room > 0 else agreed
    await _write(session, book, edit_id, round, "settle", cents=cents)
    _drop_reserved(book, agreed)
    book.included = usage.plan.included
    book.charged += 1
    book.beyond += cents > 0
    book.owed_cents += cents
    await warn_of_usage(session, await _read_usage(session, plans, book), book)
    return True


async def release(
    session: AsyncSession,
    edit_id: str,
    round: int,  # noqa: A002
    reason: str,
) -> bool:
    """Give back what the round has reserved: it failed, or was canceled. Free."""
    held = await _take_reserved(session, edit_id, round)
    if held is None:
        return False
    book, agreed = held
    is_full = count_room(book, book.included) == 0
    cents = _take_off(book) if is_full and agreed == 0 else 0
    await _write(session, book, edit_id, round, "release", reason, cents)
    _drop_reserved(book, agreed)
    return True


async def credit(
    session: AsyncSession,
    plans: CreatorPlanBook,
    edit_id: str,
    round: int,  # noqa: A002
    reason: str,
    *,
    at: datetime | None = None,
) -> bool:
    """Give a charged unit back, once in the life of an edit; tells whether it was now.

    False, too, where this month has given back as many as the plan says. A unit of a month that
    is over is given back as one of this month, without money.
    """
    charged = await _find_entry(session, edit_id, round, "settle")
    if charged is None:
        return False
    book = await _lock_book(session, charged.user_id, get_period(at))
    usage = await _read_usage(session, plans, book)
    if not usage.can_give_back or await _is_credited(session, edit_id):
        return False
    is_of_now = charged.period == book.period
    is_paid = charged.cents > 0 or usage.room == 0
    cents = _take_off(book, charged.cents) if is_of_now and is_paid else 0
    await _write(session, book, edit_id, round, "credit", reason, cents)
    book.credited += 1
    return True


async def get_usage(
    session: AsyncSession, plans: CreatorPlanBook, user: User, *, at: datetime | None = None
) -> Usage:
    """Return where a user stands in the month of `at`, by default this one. Locks nothing."""
    period = get_period(at)
    book = await session.get(Book, (user.id, period)) or make_empty_book(user.id, period)
    return Usage(book, plans.get(user.plan), user.overage_cap_cents)


async def _take_reserved(
    session: AsyncSession,
    edit_id: str,
    round: int,  # noqa: A002
) -> tuple[Book, int] | None:
    """Return the locked month of what the round has reserved, and its price; None if it is over."""
    entry = await _find_entry(session, edit_id, round, "reserve")
    if entry is None:
        return None
    book = await _lock_book(session, entry.user_id, entry.period)
    for end in ("settle", "release"):
        if await _find_entry(session, edit_id, round, end) is not None:
            return None
    return book, entry.cents


def _drop_reserved(book: Book, agreed: int) -> None:
    book.reserved -= 1
    book.held -= agreed > 0
    book.held_cents -= agreed


def _take_off(book: Book, own_cents: int = 0) -> int:
    """Take one unit beyond the plan off what is owed; returns how many cents that is.

    Its own price where it has one, else what they cost on average; of the last one all.
    """
    if book.beyond == 0:
        return 0
    price = own_cents or book.owed_cents // book.beyond
    cents = book.owed_cents if book.beyond == 1 else min(price, book.owed_cents)
    book.beyond -= 1
    book.owed_cents -= cents
    return cents


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
    return Usage(book, plans.get(plan), cap_cents)


async def _find_entry(
    session: AsyncSession,
    edit_id: str,
    round: int,  # noqa: A002
    kind: str,
) -> Entry | None:
    wanted = select(Entry).where(Entry.edit_id == edit_id, Entry.round == round, Entry.kind == kind)
    return (await session.scalars(wanted)).one_or_none()


async def _is_credited(session: AsyncSession, edit_id: str) -> bool:
    credited = exists().where(Entry.edit_id == edit_id, Entry.kind == "credit")
    return bool(await session.scalar(select(credited)))


async def _write(
    session: AsyncSession,
    book: Book,
    edit_id: str,
    round: int,  # noqa: A002
    kind: str,
    reason: str = "",
    cents: int = 0,
) -> None:
    entry = Entry(
        user_id=book.user_id,
        period=book.period,
        edit_id=edit_id,
        round=round,
        kind=kind,
        units=1,
        cents=cents,
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
