"""Canceling: free at any time before the result is being made."""

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.edits.finding import get_edit, tell_edit
from comfyhoused.creator.edits.rounds import make_due
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.ledger import release
from comfyhoused.creator.tables import Edit
from comfyhoused.kit.errors import Conflict

CANCELABLE = ("waiting", "in_line", "running")


class EditDone(Conflict):
    """The edit is finished, or so nearly that it cannot be stopped."""

    code = "edit_done"
    title = "The edit is done already"


async def cancel_edit(house: CreatorHouse, user_id: str, edit_id: str) -> Edit:
    """Cancel an edit; it is free. Idempotent. Raises EditNotFound, EditDone.

    What a server has of it is taken back by the worker's tidying.
    """
    async with house.database.begin() as session:
        edit = await get_edit(session, user_id, edit_id, is_locked=True)
        if edit.state in CANCELABLE:
            await _cancel(session, edit)
        elif edit.state != "canceled":
            raise EditDone("It cannot be canceled any more.")
    await tell_edit(house, edit)
    return edit


async def _cancel(session: AsyncSession, edit: Edit) -> None:
    edit.state = "canceled"
    edit.finished_at = func.now()
    make_due(edit)  # for tidying
    await release(session, edit.id, edit.round, "canceled")
