"""Which rows are due, and taking them. No worker waits for another: locked rows are passed by."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, Select, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.edits.claiming import Claim, Claimable
from comfyhoused.creator.tables import Delivery, Edit, Source, User

#: Photos of one user that are underway at once: their originals and inputs are with us.
_ROOM = 16

#: Each user in turn, the oldest of theirs first: who brings thousands makes nobody wait.
_WAITING = text("""
WITH users_due AS (
    SELECT DISTINCT user_id FROM edits WHERE state = 'waiting' AND next_try_at <= now()
), turns AS (
    SELECT due.id, due.turn, due.created_at FROM users_due
    CROSS JOIN LATERAL (
        SELECT e.id, e.created_at, row_number() OVER (ORDER BY e.created_at, e.id) AS turn
        FROM edits e
        JOIN sources s ON s.id = e.source_id
        JOIN users u ON u.id = e.user_id
        WHERE e.user_id = users_due.user_id AND e.state = 'waiting' AND e.next_try_at <= now()
            AND (e.lease_until IS NULL OR e.lease_until <= now())
            AND s.state <> 'reconnect' AND u.deleting_at IS NULL
        ORDER BY e.created_at, e.id
        LIMIT greatest(0, :room - (
            SELECT count(*) FROM edits o WHERE o.user_id = users_due.user_id AND (
                o.state IN ('in_line', 'running')
                OR o.state = 'waiting' AND o.lease_until > now())))
    ) due
    ORDER BY due.turn, due.created_at LIMIT :most
), picked AS (
    SELECT e.id FROM edits e JOIN turns ON turns.id = e.id
    WHERE e.state = 'waiting' AND e.next_try_at <= now()
        AND (e.lease_until IS NULL OR e.lease_until <= now())
    FOR UPDATE OF e SKIP LOCKED
)
UPDATE edits e SET lease_holder = :holder, tries = e.tries + 1,
    lease_until = now() + make_interval(secs => :seconds),
    next_try_at = now() + make_interval(secs => :seconds)
FROM picked WHERE e.id = picked.id RETURNING e.id
""")

#: One look at all steps at once; an index that holds only what is due answers it.
_LOOK = text("""
SELECT EXISTS (SELECT 1 FROM edits WHERE next_try_at <= now() AND state = 'waiting'),
    EXISTS (SELECT 1 FROM edits WHERE next_try_at <= now() AND state IN ('in_line', 'running')),
    EXISTS (SELECT 1 FROM edits WHERE next_try_at <= now() AND state = 'finishing'),
    EXISTS (SELECT 1 FROM edits WHERE next_try_at <= now()
        AND state IN ('finished', 'failed', 'canceled')),
    EXISTS (SELECT 1 FROM deliveries WHERE next_try_at <= now() AND state = 'due')
""")
STEPS = ("prepare", "look", "finish", "tidy", "deliver")


async def find_steps_due(session: AsyncSession) -> set[str]:
    """Return the names of steps that have something to do, of STEPS."""
    row = (await session.execute(_LOOK)).one()
    return {name for name, is_due in zip(STEPS, row, strict=True) if is_due}


async def claim_waiting(
    session: AsyncSession, holder: str, lease_seconds: float, most: int
) -> list[Claim]:
    """Take edits that wait to be prepared, of as many users as possible."""
    found = await session.scalars(
        _WAITING, {"room": _ROOM, "most": most, "holder": holder, "seconds": lease_seconds}
    )
    return [Claim(Edit, edit_id, holder) for edit_id in found]


async def claim_edits(
    session: AsyncSession, holder: str, lease_seconds: float, most: int, states: Sequence[str]
) -> list[Claim]:
    """Take edits in these states, the longest due first."""
    due = (
        select(Edit.id)
        .join(User, User.id == Edit.user_id)
        .where(Edit.state.in_(states), _is_due(Edit), User.deleting_at.is_(None))
        .order_by(Edit.next_try_at)
        .limit(most)
        .with_for_update(skip_locked=True, of=Edit)
    )
    return await _take(session, Edit, due, holder, lease_seconds)


async def claim_deliveries(
    session: AsyncSession, holder: str, lease_seconds: float, most: int
) -> list[Claim]:
    """Take deliveries that are due; those into folders that must be reconnected wait."""
    due = (
        select(Delivery.id)
        .join(Source, Source.id == Delivery.source_id)
        .join(User, User.id == Delivery.user_id)
        .where(
            Delivery.state == "due",
            _is_due(Delivery),
            Source.state != "reconnect",
            User.deleting_at.is_(None),
        )
        .order_by(Delivery.next_try_at)
        .limit(most)
        .with_for_update(skip_locked=True, of=Delivery)
    )
    return await _take(session, Delivery, due, holder, lease_seconds)


def _is_due(table: Claimable) -> ColumnElement[bool]:
    """Whoever wakes a row early does not end the lease of who works on it."""
    is_free = table.lease_until.is_(None) | (table.lease_until <= func.now())
    return (table.next_try_at <= func.now()) & is_free


async def _take(
    session: AsyncSession,
    table: Claimable,
    due: Select[str],
    holder: str,
    lease_seconds: float,
) -> list[Claim]:
    picked = due.cte("picked")  # read once: a sub-query with a limit may be read again
    until = func.now() + timedelta(seconds=lease_seconds)
    found = await session.scalars(
        update(table)
        .where(table.id == picked.c.id)
        .values(lease_holder=holder, lease_until=until, next_try_at=until, tries=table.tries + 1)
        .returning(table.id)
    )
    return [Claim(table, row_id, holder) for row_id in found]
