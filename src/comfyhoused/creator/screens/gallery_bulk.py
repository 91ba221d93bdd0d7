"""What the gallery's form does with many edits at once."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response

from comfyhoused.creator.edits.approving import NotHeld, approve, reject
from comfyhoused.creator.edits.finding import EditNotFound
from comfyhoused.creator.edits.retrying import NothingToRetry, retry_edit, retry_many
from comfyhoused.creator.ledger import OverageCapReached, PlanUsedUp
from comfyhoused.creator.next_page import check_next
from comfyhoused.creator.screens.pages import go_to
from comfyhoused.creator.screens.said import say_at
from comfyhoused.creator.visitors import SignedInUser, Visitor

router = APIRouter(prefix="/creator", include_in_schema=False)

_VERBS = {"retry": retry_edit, "approve": approve, "reject": reject}
_SAID = {"retry": "again-many", "approve": "approved-many", "reject": "rejected-many"}
#: More than a page shows: a form of ours never sends so many.
_MOST = 100


@router.post("/gallery/bulk")
async def change_many(
    visitor: SignedInUser,
    edit: Annotated[list[str] | None, Form()] = None,
    verb: Annotated[str, Form()] = "",
    back: Annotated[str, Form()] = "",
    token: Annotated[str, Form()] = "",
) -> Response:
    """Try the chosen edits again, or approve or reject them; those it does not fit are left."""
    visitor.check_form(token)
    verb = verb if verb in _VERBS else "retry"
    number = await _change(visitor, verb, (edit or [])[:_MOST])
    return go_to(say_at(check_next(back), _SAID[verb], number))


@router.post("/gallery/retry-all")
async def retry_all(visitor: SignedInUser, token: Annotated[str, Form()] = "") -> Response:
    """Try everything again that has failed."""
    visitor.check_form(token)
    number = await retry_many(visitor.house, visitor.user.id)
    return go_to(say_at("/creator/gallery", "again-many", number))


async def _change(visitor: Visitor, verb: str, edit_ids: list[str]) -> int:
    """Return how many were changed; what the plan has no room for ends it, if none was before."""
    number = 0
    for edit_id in edit_ids:
        try:
            await _VERBS[verb](visitor.house, visitor.user.id, edit_id)
        except (NothingToRetry, NotHeld, EditNotFound):
            continue
        except (PlanUsedUp, OverageCapReached):
            if not number:
                raise
            break
        number += 1
    return number
