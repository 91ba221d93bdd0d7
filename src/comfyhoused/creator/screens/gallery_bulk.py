"""What the gallery's form does with many edits at once."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Form
from fastapi.responses import Response

from comfyhoused.creator.edits.approving import NotHeld, approve, reject
from comfyhoused.creator.edits.creating import reedit
from comfyhoused.creator.edits.finding import EditNotFound
from comfyhoused.creator.edits.retrying import NothingToRetry, retry_edit
from comfyhoused.creator.edits.retrying_all import retry_all
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.ledger import OverageCapReached, PlanUsedUp
from comfyhoused.creator.next_page import check_next
from comfyhoused.creator.screens.gallery_zip import send_pictures
from comfyhoused.creator.screens.pages import go_to
from comfyhoused.creator.screens.said import say_at
from comfyhoused.creator.tables import Edit
from comfyhoused.creator.visitors import SignedInUser, Visitor
from comfyhoused.kit.clock import get_now

router = APIRouter(prefix="/creator", include_in_schema=False)

Verb = Callable[[CreatorHouse, str, str], Awaitable[Any]]

_VERBS: dict[str, Verb] = {"retry": retry_edit, "approve": approve, "reject": reject}
_SAID = {
    "retry": "again-many",
    "approve": "approved-many",
    "reject": "rejected-many",
    "again": "edited-many",
}
#: More than a page shows: a form of ours never sends so many.
_MOST = 100


@router.post("/gallery/bulk")
async def change_many(
    visitor: SignedInUser,
    edit: Annotated[list[str] | None, Form()] = None,
    verb: Annotated[str, Form()] = "",
    preset: Annotated[str, Form()] = "",
    back: Annotated[str, Form()] = "",
    token: Annotated[str, Form()] = "",
) -> Response:
    """Do one thing with the chosen edits; those it does not fit are left.

    `verb`: `retry`, `again` (edit the photos with another preset), `approve`, `reject`, or
    `download`, which sends their pictures.
    """
    visitor.check_form(token)
    edit_ids = (edit or [])[:_MOST]
    if verb == "download":
        return await send_pictures(visitor, edit_ids, check_next(back))
    verb = verb if verb in _SAID else "retry"
    do = _make_edit_again(visitor, preset) if verb == "again" else _VERBS[verb]
    number, is_cut = await _change(visitor, do, edit_ids)
    return go_to(say_at(check_next(back), "cut-many" if is_cut else _SAID[verb], number))


@router.post("/gallery/retry-all")
async def try_all_again(visitor: SignedInUser, token: Annotated[str, Form()] = "") -> Response:
    """Try everything again that has failed: a few now, the rest after the page is answered."""
    visitor.check_form(token)
    retried = await retry_all(visitor.house, visitor.user.id)
    if retried.goes_on:
        return go_to(say_at("/creator/gallery", "again-all"))
    word = "again-some" if retried.refusal is not None else "again-many"
    return go_to(say_at("/creator/gallery", word, retried.count))


def _make_edit_again(visitor: Visitor, name: str) -> Verb:
    """Return what edits a photo with this preset as it usually is; raises PresetUnknown."""
    preset = visitor.house.presets.get(name)
    return partial(_edit_again, preset.name, preset.usual_strength, get_now())


async def _edit_again(
    preset: str, strength: int, since: datetime, house: CreatorHouse, user_id: str, edit_id: str
) -> Edit:
    edit = await reedit(house, user_id, edit_id, preset, strength, {})
    if edit.created_at < since and edit.state != "waiting":
        raise NothingToRetry("That edit is there already.")
    return edit


async def _change(visitor: Visitor, do: Verb, edit_ids: list[str]) -> tuple[int, bool]:
    """Return how many were changed, and whether the plan had no room for the others.

    What the plan has no room for is raised if none was changed before.
    """
    number = 0
    for edit_id in edit_ids:
        try:
            await do(visitor.house, visitor.user.id, edit_id)
        except (NothingToRetry, NotHeld, EditNotFound):
            continue
        except (PlanUsedUp, OverageCapReached):
            if not number:
                raise
            return number, True
        number += 1
    return number, False
