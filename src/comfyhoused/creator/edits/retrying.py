"""Trying again: an edit that failed or was canceled, or a delivery that failed."""

from contextlib import suppress
from datetime import datetime

from sqlalchemy import func, select, update

from comfyhoused.adapters.redis.client import StoreUnavailable
from comfyhoused.adapters.storage.storage import StorageUnavailable
from comfyhoused.creator.edits.ending import take_job_back
from comfyhoused.creator.edits.finding import (
    find_delivery,
    find_edit,
    get_edit,
    tell_delivery,
    tell_edit,
)
from comfyhoused.creator.edits.inputs import drop_input
from comfyhoused.creator.edits.rounds import begin_round, make_due
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.news import tell
from comfyhoused.creator.tables import Delivery, Edit
from comfyhoused.kit.errors import Conflict


class NothingToRetry(Conflict):
    """The edit goes on, or it is finished and delivered."""

    code = "nothing_to_retry"
    title = "There is nothing to try again"


async def retry_edit(house: CreatorHouse, user_id: str, edit_id: str) -> Edit:
    """Try a failed or canceled edit again, or its delivery where the picture is finished.

    A finished picture is never made anew: only its way into the folder is. Raises EditNotFound,
    NothingToRetry, PlanUsedUp, OverageCapReached.
    """
    async with house.database.begin() as session:
        edit = await get_edit(session, user_id, edit_id, is_locked=True)
        past_job_id = edit.job_id
        delivery = await find_delivery(session, edit_id, is_locked=True)
        if edit.state in ("failed", "canceled"):
            await begin_round(session, house, edit)
        elif delivery is not None and delivery.state in ("failed", "due"):
            _redeliver(delivery)
        else:
            raise NothingToRetry("It goes on, or it is done already.")
    if edit.job_id != past_job_id:
        await _drop_job(house, user_id, past_job_id)
    await tell_edit(house, edit)
    if delivery is not None:
        await tell_delivery(house, delivery)
    return edit


async def retry_failed(house: CreatorHouse, user_id: str, edit_id: str, before: datetime) -> bool:
    """Try an edit again that failed before an instant; False where it did not, or not any more.

    Raises PlanUsedUp, OverageCapReached.
    """
    async with house.database.begin() as session:
        edit = await find_edit(session, user_id, edit_id, is_locked=True)
        if edit is None or edit.state != "failed":
            return False
        if edit.finished_at is None or edit.finished_at >= before:
            return False
        past_job_id = edit.job_id
        await begin_round(session, house, edit)
    await _drop_job(house, user_id, past_job_id)
    await tell_edit(house, edit)
    return True


async def redeliver_all(house: CreatorHouse, user_id: str) -> int:
    """Have all of a user's pictures that could not be delivered tried again; returns how many."""
    failed = (
        select(Delivery.id)
        .where(Delivery.user_id == user_id, Delivery.state == "failed")
        .order_by(Delivery.id)
        .with_for_update(skip_locked=True)
        .cte("failed")
    )
    again = (
        update(Delivery)
        .where(Delivery.id == failed.c.id)
        .values(state="due", error=None, setbacks=0, tries=0, next_try_at=func.now())
        .returning(Delivery.id)
    )
    async with house.database.begin() as session:
        count = len((await session.scalars(again)).all())
    if count:
        await tell(house.resources.store, user_id, "photos.changed", {})
    return count


async def _drop_job(house: CreatorHouse, user_id: str, job_id: str) -> None:
    """Take back the job of a round that is over: tidying looks at the present one only."""
    with suppress(StoreUnavailable, StorageUnavailable):
        await take_job_back(house, user_id, job_id)
        await drop_input(house, user_id, job_id)


def _redeliver(delivery: Delivery) -> None:
    if delivery.lease_holder is not None:  # it is on its way just now
        return
    delivery.state = "due"
    delivery.error = None
    delivery.setbacks = 0
    make_due(delivery)
