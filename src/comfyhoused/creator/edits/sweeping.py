"""What was missed: words of ends that were lost, units of edits that are over, photos that wait."""

from contextlib import suppress
from datetime import timedelta

from sqlalchemy import func, select, text

from comfyhoused.core.jobs.record import find_job
from comfyhoused.creator.edits.claiming import Claim, hold_edit
from comfyhoused.creator.edits.creating import edit_photo
from comfyhoused.creator.edits.ending import note_end
from comfyhoused.creator.edits.finding import tell_edit
from comfyhoused.creator.edits.rounds import make_due, restart
from comfyhoused.creator.edits.submitting import LOOK_SECONDS
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.ledger import UserGone, get_usage, release, settle
from comfyhoused.creator.tables import Photo, Source, User
from comfyhoused.kit.log import get_logger

log = get_logger(__name__)

_PAGE = 50

#: Reservations that no open round has: the ledger and its edit change together, but an edit
#: whose source was erased takes its row along.
_DANGLING = text("""
SELECT r.edit_id, r.round, e.state, e.round AS now_round
FROM books b
JOIN entries r ON r.user_id = b.user_id AND r.period = b.period AND r.kind = 'reserve'
LEFT JOIN edits e ON e.id = r.edit_id
WHERE b.reserved > 0
    AND NOT EXISTS (SELECT 1 FROM entries d WHERE d.edit_id = r.edit_id AND d.round = r.round
        AND d.kind IN ('settle', 'release'))
    AND (e.id IS NULL OR e.round > r.round OR e.state IN ('finished', 'failed', 'canceled'))
LIMIT :most
""")


async def look_at_job(house: CreatorHouse, claim: Claim) -> None:
    """Look whether a photo in line still is: a lost job is made again, a lost end is noted."""
    async with house.database.begin() as session:
        edit = await hold_edit(session, claim)
    job = await find_job(house.resources.store, edit.job_id)
    async with house.database.begin() as session:
        edit = await hold_edit(session, claim)
        if job is None:
            log.warning("the job of edit %s is gone, and is made again", edit.id)
            restart(edit)
        elif job.state.is_terminal:
            await note_end(session, edit, job.state, job)
        else:
            if job.started_at is not None:
                edit.state = "running"
                edit.started_at = edit.started_at or job.started_at
            make_due(edit, func.now() + timedelta(seconds=LOOK_SECONDS))
    await tell_edit(house, edit)


async def settle_dangling(house: CreatorHouse) -> int:
    """End the reservations of edits that are over or gone; returns how many. Idempotent."""
    async with house.database.begin() as session:
        rows = (await session.execute(_DANGLING, {"most": _PAGE})).all()
    for row in rows:
        async with house.database.begin() as session:
            with suppress(UserGone):
                if row.state == "finished" and row.now_round == row.round:
                    await settle(session, house.plans, row.edit_id, row.round)
                else:
                    await release(session, row.edit_id, row.round, "over")
    return len(rows)


async def begin_waiting(house: CreatorHouse) -> int:
    """Edit photos that have waited for units, of every user who has some; returns how many."""
    async with house.database.begin() as session:
        waiting = select(Photo.user_id).where(Photo.state == "waiting").distinct()
        users = list(await session.scalars(waiting))
    count = 0
    for user_id in users:
        count += await begin_waiting_photos(house, user_id)
    return count


async def begin_waiting_photos(house: CreatorHouse, user_id: str, *, most: int = _PAGE) -> int:
    """Edit a user's waiting photos, the oldest first, as far as units go; returns how many.

    Also what their owner asks for by hand (after a change of plan, say).
    """
    count = 0
    while count < most and await _begin_one(house, user_id):
        count += 1
    return count


async def _begin_one(house: CreatorHouse, user_id: str) -> bool:
    oldest = (
        select(Photo)
        .join(Source, Source.id == Photo.source_id)
        .where(Photo.user_id == user_id, Photo.state == "waiting", Source.state == "active")
        .order_by(Photo.seen_at, Photo.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=Photo)
    )
    async with house.database.begin() as session:
        user = await session.get(User, user_id)
        if user is None or user.deleting_at is not None:
            return False
        if (await get_usage(session, house.plans, user)).allowance < 1:
            return False
        photo = await session.scalar(oldest)
        if photo is None:
            return False
        source = await session.get_one(Source, photo.source_id)
        edit = await edit_photo(session, house, photo, source)
    if edit is not None:
        await tell_edit(house, edit)
    return photo.state != "waiting"
