"""Finding one edit of a user's, and telling that it has changed."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.news import tell
from comfyhoused.creator.tables import Delivery, Edit
from comfyhoused.kit.errors import NotFound


class EditNotFound(NotFound):
    """No such edit, or it belongs to somebody else."""

    code = "edit_not_found"
    title = "There is no such edit of yours"


async def get_edit(
    session: AsyncSession, user_id: str, edit_id: str, *, is_locked: bool = False
) -> Edit:
    """Return the user's edit, locked until the transaction ends if asked; raises EditNotFound."""
    edit = await find_edit(session, user_id, edit_id, is_locked=is_locked)
    if edit is None:
        raise EditNotFound("It may have been erased.")
    return edit


async def find_edit(
    session: AsyncSession, user_id: str, edit_id: str, *, is_locked: bool = False
) -> Edit | None:
    """Return the user's edit, locked until the transaction ends if asked; None if there is none."""
    query = select(Edit).where(Edit.id == edit_id, Edit.user_id == user_id)
    if is_locked:
        query = query.with_for_update()
    edit: Edit | None = await session.scalar(query)
    return edit


async def find_delivery(
    session: AsyncSession, edit_id: str, *, is_locked: bool = False
) -> Delivery | None:
    """Return the delivery of an edit; None where it is not finished."""
    query = select(Delivery).where(Delivery.edit_id == edit_id)
    if is_locked:
        query = query.with_for_update()
    delivery: Delivery | None = await session.scalar(query)
    return delivery


async def tell_edit(house: CreatorHouse, edit: Edit) -> None:
    """Tell its owner's open pages how the edit stands; after the commit."""
    await tell(
        house.resources.store,
        edit.user_id,
        "edit.changed",
        {"edit_id": edit.id, "photo_id": edit.photo_id, "state": edit.state},
    )


async def tell_delivery(house: CreatorHouse, delivery: Delivery) -> None:
    """Tell its owner's open pages how the delivery stands; after the commit."""
    await tell(
        house.resources.store,
        delivery.user_id,
        "delivery.changed",
        {"edit_id": delivery.edit_id, "state": delivery.state},
    )
