"""After an edit is over: its job and all that nobody needs any more go."""

from datetime import datetime, timedelta

from comfyhoused.creator.edits.claiming import Claim, hold_edit
from comfyhoused.creator.edits.ending import take_job_back
from comfyhoused.creator.edits.finding import find_delivery
from comfyhoused.creator.edits.inputs import drop_input
from comfyhoused.creator.edits.pictures import make_folder
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.tables import Delivery, Edit
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.errors import Problem

#: So long after it was canceled no worker puts down anything of an edit any more.
_LAST_WORDS = timedelta(minutes=2)


async def tidy_edit(house: CreatorHouse, claim: Claim) -> None:
    """Erase the job, its input, the original, and once it is delivered the whole result.

    Previews stay. Raises StoreUnavailable, StorageUnavailable.
    """
    async with house.database.begin() as session:
        edit = await hold_edit(session, claim)
        delivery = await find_delivery(session, claim.id)
    await _erase_job(house, edit)
    kept = _list_kept(edit, delivery)
    storage = house.resources.storage
    folder = make_folder(edit.user_id, edit.id)
    async for key in storage.list_keys(folder):
        # Its owner may have it tried again meanwhile: that round's files are not ours.
        if key not in kept and _read_round(folder, key) <= edit.round:
            await storage.delete(key)
    async with house.database.begin() as session:
        edit = await hold_edit(session, claim)
        edit.original_file = edit.prepared_file = edit.output_file = None
        if edit.result_file not in kept:
            edit.result_file = None
        edit.next_try_at = _find_next_look(edit)
        edit.lease_until = edit.lease_holder = None
        edit.tries = 0


async def leave_untidy(house: CreatorHouse, claim: Claim, problem: Problem) -> bool:
    """Never give tidying up: what is a user's must go."""
    return False


async def _erase_job(house: CreatorHouse, edit: Edit) -> None:
    await take_job_back(house, edit.user_id, edit.job_id)
    await drop_input(house, edit.user_id, edit.job_id)


def _find_next_look(edit: Edit) -> datetime | None:
    """Return when to look again: a worker may still be at work on what its owner has canceled."""
    if edit.state != "canceled" or edit.finished_at is None:
        return None
    again_at = edit.finished_at + _LAST_WORDS
    return again_at if again_at > get_now() else None


def _list_kept(edit: Edit, delivery: Delivery | None) -> set[str]:
    keys = {edit.preview_file, edit.thumb_file}
    if delivery is None or delivery.state != "delivered":
        keys.add(edit.result_file)
    return {key for key in keys if key is not None}


def _read_round(folder: str, key: str) -> int:
    first = key.removeprefix(f"{folder}/").partition("/")[0]
    return int(first) if first.isdecimal() else 0
