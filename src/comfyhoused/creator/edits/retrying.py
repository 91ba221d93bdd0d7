"""Trying again: an edit that failed or was canceled, or a delivery that failed. One or many."""

from contextlib import suppress

from sqlalchemy import exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.adapters.redis.client import StoreUnavailable
from comfyhoused.creator.edits.ending import take_job_back
from comfyhoused.creator.edits.finding import (
    EditNotFound,
    find_delivery,
    get_edit,
    tell_delivery,
    tell_edit,
)
from comfyhoused.creator.edits.inputs import drop_input
from comfyhoused.creator.edits.rounds import begin_round, make_due
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.ledger import OverageCapReached, PlanUsedUp
from comfyhoused.creator.tables import Delivery, Edit
from comfyhoused.kit.errors import Conflict

_PAGE = 200


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
    if edit.job_id != past_job_id:  # tidying looks at the present round only
        with suppress(StoreUnavailable):
            await take_job_back(house, user_id, past_job_id)
            await drop_input(house, user_id, past_job_id)
    await tell_edit(house, edit)
    if delivery is not None:
        await tell_delivery(house, delivery)
    return edit


async def retry_many(house: CreatorHouse, user_id: str, *, source_id: str | None = None) -> int:
    """Try again all that has failed, edits and deliveries; returns how many.

    Canceled ones stay. Where the plan is used up in the middle it stops there: what was begun
    goes on. Raises PlanUsedUp, OverageCapReached where not a single one could begin.
    """
    count, after = 0, ""
    # Each once, by their ids: what fails again at once is not tried for ever.
    while edit_ids := await _list_failed(house, user_id, source_id, after):
        after = edit_ids[-1]
        for edit_id in edit_ids:
            try:
                await retry_edit(house, user_id, edit_id)
            except (PlanUsedUp, OverageCapReached):
                if count == 0:
                    raise
                return count
            except (NothingToRetry, EditNotFound):  # somebody was faster
                continue
            count += 1
    return count


async def _list_failed(
    house: CreatorHouse, user_id: str, source_id: str | None, after: str
) -> list[str]:
    async with house.database.begin() as session:
        return await list_failed(session, user_id, source_id, after=after)


async def list_failed(
    session: AsyncSession,
    user_id: str,
    source_id: str | None = None,
    *,
    after: str = "",
    most: int = _PAGE,
) -> list[str]:
    """Return the ids of edits of which the edit or the delivery has failed, by their ids."""
    is_undelivered = exists().where(Delivery.edit_id == Edit.id, Delivery.state == "failed")
    query = select(Edit.id).where(
        Edit.user_id == user_id, Edit.id > after, or_(Edit.state == "failed", is_undelivered)
    )
    if source_id is not None:
        query = query.where(Edit.source_id == source_id)
    return list(await session.scalars(query.order_by(Edit.id).limit(most)))


def _redeliver(delivery: Delivery) -> None:
    if delivery.lease_holder is not None:  # it is on its way just now
        return
    delivery.state = "due"
    delivery.error = None
    make_due(delivery)
