"""What becomes of a source or connection that cannot be looked at: later, broken, or reconnect."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.adapters.google.errors import DriveScopeMissing, DriveSignedOut
from comfyhoused.creator.connections import ConnectionGone, ReconnectNeeded
from comfyhoused.creator.notifications import notify
from comfyhoused.creator.sources.sources import LONG_AGO
from comfyhoused.creator.tables import Connection, Source
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.errors import ComfyhouseError, make_problem

_LONGEST_PAUSE_SECONDS = 300.0
#: A broken source is looked at so often: a disk may be mounted again, a folder put back.
_BROKEN_SECONDS = 60.0
#: After so many failed looks in a row its owner is shown why; before, it may pass by itself.
_TOLD_AFTER = 4

#: The Drive has to be connected again; `creator/connections.py` has told its owner.
_NO_ACCESS = (ReconnectNeeded, ConnectionGone, DriveSignedOut, DriveScopeMissing)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a look at a claimed source ended: `error` None is well, `next_look_at` when again."""

    source: Source
    error: ComfyhouseError | None
    next_look_at: datetime | None = None


async def note_outcome(session: AsyncSession, outcome: Outcome) -> None:
    """Store how the look ended. A source that its owner changed meanwhile keeps their word."""
    source = await session.get(
        Source, outcome.source.id, with_for_update={"key_share": True}, populate_existing=True
    )
    if source is None:
        return
    if outcome.error is None:
        _note_well(source, outcome.next_look_at or get_now())
    elif outcome.error.retryable:
        _note_later(source, outcome.error)
    else:
        await _note_broken(session, source, outcome.error)


def make_pause(misses: int, retry_after_seconds: float | None) -> timedelta:
    """Return how long to leave it alone: twice as long after each failure, or as it was asked."""
    seconds = min(float(2 ** min(misses, 10)), _LONGEST_PAUSE_SECONDS)
    return timedelta(seconds=max(seconds, min(retry_after_seconds or 0.0, 3600.0)))


async def note_feed_trouble(
    session: AsyncSession, connection: Connection, error: ComfyhouseError
) -> None:
    """Have the feed read later; what is wrong for good shows when the sources are looked at."""
    misses = connection.misses + 1
    wait = make_pause(misses, getattr(error, "retry_after_seconds", None))
    await session.execute(
        update(Connection)
        .where(Connection.id == connection.id)
        .values(misses=misses, next_look_at=func.now() + wait)
    )
    if not error.retryable:
        await session.execute(
            update(Source)
            .where(Source.connection_id == connection.id)
            .values(next_look_at=func.least(Source.next_look_at, func.now()))
        )


def _note_well(source: Source, next_look_at: datetime) -> None:
    source.misses = 0
    source.problem = None
    if source.state == "broken":
        source.state = "active"
        # While it was broken, the feed was read past its photos.
        source.reconciled_at = source.reconciled_at and LONG_AGO
        next_look_at = get_now()
    # A ring that came while it was looked at is kept.
    source.next_look_at = min(source.next_look_at, next_look_at)


def _note_later(source: Source, error: ComfyhouseError) -> None:
    source.misses += 1
    wait = make_pause(source.misses, getattr(error, "retry_after_seconds", None))
    source.next_look_at = get_now() + wait
    if source.misses >= _TOLD_AFTER:
        source.problem = dict(make_problem(error))


async def _note_broken(session: AsyncSession, source: Source, error: ComfyhouseError) -> None:
    source.misses += 1
    source.next_look_at = get_now() + timedelta(seconds=_BROKEN_SECONDS)
    was_active = source.state == "active"
    if source.state in ("active", "broken"):
        source.state = "reconnect" if isinstance(error, _NO_ACCESS) else "broken"
        source.problem = dict(make_problem(error))
    if was_active and source.state == "broken":
        await notify(
            session,
            source.user_id,
            "source.broken",
            f"source.broken:{source.id}:{get_now():%Y-%m-%d}",
            f"“{source.name}” needs you",
            f"{error.title}. {error.detail} New photos wait until this is put right.",
            f"/creator/sources/{source.id}",
            mail="now",
        )
