"""Approve before deliver: finished pictures are held until their owner has looked at them."""

from comfyhoused.creator.edits.finding import find_delivery, get_edit, tell_delivery
from comfyhoused.creator.edits.rounds import make_due
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.tables import Delivery
from comfyhoused.kit.errors import Conflict


class NotHeld(Conflict):
    """The edit does not wait for approval: it is not finished, or is on its way already."""

    code = "edit_not_held"
    title = "This edit does not wait for you"


async def approve(house: CreatorHouse, user_id: str, edit_id: str) -> Delivery:
    """Send a held or rejected picture into its folder. Idempotent.

    Raises EditNotFound, NotHeld.
    """
    return await _decide(house, user_id, edit_id, is_approved=True)


async def reject(house: CreatorHouse, user_id: str, edit_id: str) -> Delivery:
    """Keep a picture out of the folder; it stays with us. Idempotent, and can be taken back.

    One that was approved can be rejected until it is on its way. Raises EditNotFound, NotHeld.
    """
    return await _decide(house, user_id, edit_id, is_approved=False)


async def _decide(
    house: CreatorHouse, user_id: str, edit_id: str, *, is_approved: bool
) -> Delivery:
    async with house.database.begin() as session:
        await get_edit(session, user_id, edit_id)
        delivery = await find_delivery(session, edit_id, is_locked=True)
        if delivery is None:
            raise NotHeld("It is not finished.")
        if is_approved:
            _approve(delivery)
        else:
            _reject(delivery)
    await tell_delivery(house, delivery)
    return delivery


def _approve(delivery: Delivery) -> None:
    if delivery.state in ("held", "rejected"):
        delivery.state = "due"
        make_due(delivery)


def _reject(delivery: Delivery) -> None:
    if delivery.state == "rejected":
        return
    is_unsent = delivery.upload_key is None and delivery.lease_holder is None
    if delivery.state != "held" and not (delivery.state == "due" and is_unsent):
        raise NotHeld("It is on its way into the folder, or there.")
    delivery.state = "rejected"
    delivery.next_try_at = None
