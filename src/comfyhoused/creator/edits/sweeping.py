"""What was missed: words of ends that were lost, units of edits that are over."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, func, text

from comfyhoused.core.jobs.record import find_job
from comfyhoused.creator.edits.claiming import Claim, hold_edit
from comfyhoused.creator.edits.ending import note_end, send_back, tell_end
from comfyhoused.creator.edits.rounds import make_due
from comfyhoused.creator.edits.submitting import LOOK_SECONDS
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.ledger import UserGone, release, settle
from comfyhoused.kit.errors import Unavailable
from comfyhoused.kit.log import get_logger

log = get_logger(__name__)

_PAGE = 50

#: Reservations that no open round has: the ledger and its edit change together, but an edit
#: whose source was erased takes its row along.
_DANGLING = text("""
SELECT r.id, r.edit_id, r.round, e.state, e.round AS now_round
FROM books b
JOIN entries r ON r.user_id = b.user_id AND r.period = b.period AND r.kind = 'reserve'
LEFT JOIN edits e ON e.id = r.edit_id
WHERE b.reserved > 0
    AND NOT EXISTS (SELECT 1 FROM entries d WHERE d.edit_id = r.edit_id AND d.round = r.round
        AND d.kind IN ('settle', 'release'))
    AND (e.id IS NULL OR e.round > r.round OR e.state IN ('finished', 'failed', 'canceled'))
    AND r.id > :after
ORDER BY r.id LIMIT :most
""")


async def look_at_job(house: CreatorHouse, claim: Claim) -> None:
    """Look whether a photo in line still is: a lost job is made again, a lost end is noted."""
    async with house.database.begin() as session:
        edit = await hold_edit(session, claim)
    job = await find_job(house.resources.store, edit.job_id)
    async with house.database.begin() as session:
        edit = await hold_edit(session, claim)
        state_before = edit.state
        if job is None:
            await send_back(session, edit, needs_new_job=False)
        elif job.state.is_terminal:
            await note_end(session, edit, job.state, job)
        else:
            if job.started_at is not None:
                edit.state = "running"
                edit.started_at = edit.started_at or job.started_at
            make_due(edit, func.now() + timedelta(seconds=LOOK_SECONDS))
    if edit.state != state_before:
        await tell_end(house, edit)


async def settle_dangling(house: CreatorHouse) -> int:
    """End the reservations of edits that are over or gone; returns how many. Idempotent.

    One with which something is wrong is passed by.
    """
    count, after = 0, 0
    while rows := await _list_dangling(house, after):
        after = rows[-1].id
        for row in rows:
            try:
                await _settle(house, row)
            except Unavailable:
                raise
            except Exception:  # the border of one reservation: the others are ended all the same
                log.exception("the reservation of edit %s met a fault of ours", row.edit_id)
                continue
            count += 1
    return count


async def _list_dangling(house: CreatorHouse, after: int) -> Sequence[Row[Any]]:
    async with house.database.begin() as session:
        return (await session.execute(_DANGLING, {"after": after, "most": _PAGE})).all()


async def _settle(house: CreatorHouse, row: Row[Any]) -> None:
    async with house.database.begin() as session:
        with suppress(UserGone):
            if row.state == "finished" and row.now_round == row.round:
                await settle(session, house.plans, row.edit_id, row.round)
            else:
                await release(session, row.edit_id, row.round, "over")
