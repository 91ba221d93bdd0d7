"""“Looks wrong”: the credit comes back once, and the reason is kept."""

from comfyhoused.creator.edits.finding import get_edit, tell_edit
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.ledger import credit
from comfyhoused.creator.tables import Edit
from comfyhoused.kit.errors import Conflict

_MOST_LETTERS = 1000


class EditNotFinished(Conflict):
    """Only what is finished can look wrong."""

    code = "edit_not_finished"
    title = "The edit is not finished"


async def report_wrong(house: CreatorHouse, user_id: str, edit_id: str, reason: str) -> Edit:
    """Give the edit's unit back, once; `is_credited` says that it is back.

    It is not where the user was given back as many this month as the plan says. Said again, only
    the reason is kept anew. Raises EditNotFound, EditNotFinished.
    """
    async with house.database.begin() as session:
        edit = await get_edit(session, user_id, edit_id, is_locked=True)
        if edit.state != "finished":
            raise EditNotFinished("It was not charged.")
        if not edit.is_credited:
            edit.is_credited = await credit(
                session, house.plans, edit.id, edit.round, "looks wrong"
            )
        edit.wrong_reason = reason.strip()[:_MOST_LETTERS]
    await tell_edit(house, edit)
    return edit
