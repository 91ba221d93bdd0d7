"""Trying again all that has failed: a few at once, so that a page answers, the rest by a chore.

Whoever asks has that written into their row: `retry_before`. The newest failures are tried first
and the instant moves back with them, so that each is tried once, however fast it fails again, and
whoever is killed over it is followed by another.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.edits.retrying import redeliver_all, retry_failed
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.ledger import OverageCapReached, PlanUsedUp
from comfyhoused.creator.news import tell
from comfyhoused.creator.notifications import notify
from comfyhoused.creator.tables import Edit, User
from comfyhoused.kit.errors import TooManyRequests, Unavailable
from comfyhoused.kit.log import get_logger

log = get_logger(__name__)

#: While a page waits for its answer, and of one user in one turn of the chore.
_AT_ONCE = 20
_PER_TURN = 50
_USERS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Retried:
    """How many are tried again; `goes_on`: more will be. `refusal`: why no more could begin."""

    count: int
    goes_on: bool = False
    refusal: TooManyRequests | None = None


@dataclass(frozen=True, slots=True)
class _Piece:
    """What came of a few. `before`: those that failed before it are still to be tried."""

    count: int
    before: datetime | None = None
    refusal: TooManyRequests | None = None


async def retry_all(house: CreatorHouse, user_id: str) -> Retried:
    """Try again all of a user's that has failed, edits and deliveries. Canceled ones stay.

    Where the plan is used up in the middle it stops there: what was begun goes on. Raises
    PlanUsedUp, OverageCapReached where not a single one could begin.
    """
    async with house.database.begin() as session:
        now = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    delivered = await redeliver_all(house, user_id)
    piece = await _retry_some(house, user_id, now, _AT_ONCE)
    count = delivered + piece.count
    if piece.refusal is not None and count == 0:
        raise piece.refusal
    async with house.database.begin() as session:
        mine = update(User).where(User.id == user_id)
        await session.execute(mine.values(retry_before=piece.before))
    return Retried(count, goes_on=piece.before is not None, refusal=piece.refusal)


async def retry_asked(house: CreatorHouse) -> int:
    """Go on for everybody who has asked, a few of each; returns how many are tried again.

    Idempotent, and fine to run in several processes at once. A user with whom something is wrong
    is passed by.
    """
    count, after = 0, ""
    while users := await _list_asking(house, after):
        after = users[-1][0]
        for user_id, before in users:
            try:
                count += await _go_on(house, user_id, before)
            except Unavailable:
                raise
            except Exception:  # the border of one user's wish: nobody else's waits for it
                log.exception("trying all of %s again met a fault of ours", user_id)
    return count


async def _list_asking(house: CreatorHouse, after: str) -> list[tuple[str, datetime]]:
    query = (
        select(User.id, User.retry_before)
        .where(User.retry_before.is_not(None), User.deleting_at.is_(None), User.id > after)
        .order_by(User.id)
        .limit(_USERS_AT_ONCE)
    )
    async with house.database.begin() as session:
        rows = await session.execute(query)
        return [(user_id, before) for user_id, before in rows if before is not None]


async def _go_on(house: CreatorHouse, user_id: str, before: datetime) -> int:
    piece = await _retry_some(house, user_id, before, _PER_TURN)
    # Who has asked once more meanwhile has moved the instant: that wish stands.
    moved = update(User).where(User.id == user_id, User.retry_before == before)
    async with house.database.begin() as session:
        await session.execute(moved.values(retry_before=piece.before))
        if piece.refusal is not None:
            await _tell_refusal(session, user_id, before, piece.refusal)
    if piece.refusal is not None:
        await tell(house.resources.store, user_id, "bell", {})
    return piece.count


async def _retry_some(house: CreatorHouse, user_id: str, before: datetime, most: int) -> _Piece:
    """Try the newest failures before the instant again, until the plan has no room for more."""
    count = 0
    failed = await _list_failed(house, user_id, before, most)
    for edit_id, _ in failed:
        try:
            count += await retry_failed(house, user_id, edit_id, before)
        except (PlanUsedUp, OverageCapReached) as refusal:
            return _Piece(count, refusal=refusal)
        except Unavailable:
            raise
        except Exception:  # the border of one edit: it stays as it is, and the others go on
            log.exception("trying edit %s again met a fault of ours", edit_id)
    return _Piece(count, failed[-1][1] if len(failed) == most else None)


async def _list_failed(
    house: CreatorHouse, user_id: str, before: datetime, most: int
) -> list[tuple[str, datetime]]:
    query = (
        select(Edit.id, Edit.finished_at)
        .where(Edit.user_id == user_id, Edit.state == "failed", Edit.finished_at < before)
        .order_by(Edit.finished_at.desc(), Edit.id)
        .limit(most)
    )
    async with house.database.begin() as session:
        rows = await session.execute(query)
        return [(edit_id, at) for edit_id, at in rows if at is not None]


async def _tell_refusal(
    session: AsyncSession, user_id: str, asked_at: datetime, refusal: TooManyRequests
) -> None:
    await notify(
        session,
        user_id,
        "retry_stopped",
        f"retry_stopped/{asked_at.isoformat()}",
        "Not all photos could be tried again",
        f"{refusal.title}. {refusal.detail} The others stay as they were, and can be tried then.",
        "/creator/plan",
    )
