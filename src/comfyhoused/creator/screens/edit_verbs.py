"""What the buttons of an edit do."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from comfyhoused.creator.edits.approving import approve, reject
from comfyhoused.creator.edits.canceling import cancel_edit
from comfyhoused.creator.edits.complaining import report_wrong
from comfyhoused.creator.edits.creating import reedit
from comfyhoused.creator.edits.finding import get_edit
from comfyhoused.creator.edits.retrying import retry_edit
from comfyhoused.creator.next_page import check_next
from comfyhoused.creator.screens.pages import go_to
from comfyhoused.creator.screens.preset_views import read_choice
from comfyhoused.creator.screens.said import say_at
from comfyhoused.creator.visitors import SignedInUser
from comfyhoused.kit.clock import get_now

router = APIRouter(prefix="/creator/edits", include_in_schema=False)

Token = Annotated[str, Form()]


@router.post("/{edit_id}/retry")
async def retry(visitor: SignedInUser, edit_id: str, token: Token = "") -> Response:
    """Try an edit again, or its way into the folder."""
    visitor.check_form(token)
    edit = await retry_edit(visitor.house, visitor.user.id, edit_id)
    return go_to(say_at(_page(edit_id), "deliver" if edit.state == "finished" else "again"))


@router.post("/{edit_id}/cancel")
async def cancel(visitor: SignedInUser, edit_id: str, token: Token = "") -> Response:
    """Cancel an edit."""
    visitor.check_form(token)
    await cancel_edit(visitor.house, visitor.user.id, edit_id)
    return go_to(say_at(_page(edit_id), "canceled"))


@router.post("/{edit_id}/again")
async def edit_again(visitor: SignedInUser, edit_id: str, request: Request) -> Response:
    """Edit the same photo in another way."""
    form = await request.form()
    visitor.check_form(str(form.get("token", "")))
    choice = read_choice(form, visitor.house.presets)
    before = get_now()
    edit = await reedit(
        visitor.house,
        visitor.user.id,
        edit_id,
        choice.preset,
        choice.strength,
        choice.parameters,
    )
    is_new = edit.created_at >= before or edit.state == "waiting"
    return go_to(say_at(_page(edit.id), "edited" if is_new else "was-there"))


@router.post("/{edit_id}/wrong")
async def complain(
    visitor: SignedInUser,
    edit_id: str,
    what: Annotated[str, Form()] = "",
    words: Annotated[str, Form()] = "",
    token: Token = "",
) -> Response:
    """Give a photo that looks wrong back to the plan, and keep the reason."""
    visitor.check_form(token)
    async with visitor.house.database.begin() as session:
        had = (await get_edit(session, visitor.user.id, edit_id)).is_credited
    reason = ": ".join(part for part in (what.strip(), words.strip()) if part)
    edit = await report_wrong(visitor.house, visitor.user.id, edit_id, reason)
    said = "wrong" if edit.is_credited else "wrong-counts"
    return go_to(say_at(_page(edit_id), "wrong-kept" if had else said))


@router.post("/{edit_id}/approve")
async def approve_one(
    visitor: SignedInUser, edit_id: str, back: Annotated[str, Form()] = "", token: Token = ""
) -> Response:
    """Send a held picture into the folder."""
    visitor.check_form(token)
    await approve(visitor.house, visitor.user.id, edit_id)
    return go_to(say_at(check_next(back) if back else _page(edit_id), "approved"))


@router.post("/{edit_id}/reject")
async def reject_one(
    visitor: SignedInUser, edit_id: str, back: Annotated[str, Form()] = "", token: Token = ""
) -> Response:
    """Keep a picture out of the folder."""
    visitor.check_form(token)
    await reject(visitor.house, visitor.user.id, edit_id)
    return go_to(say_at(check_next(back) if back else _page(edit_id), "rejected"))


def _page(edit_id: str) -> str:
    return f"/creator/edits/{edit_id}"
