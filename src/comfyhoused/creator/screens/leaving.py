"""Taking everything along, and leaving: /creator/account/export and /creator/account/delete."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response, StreamingResponse

from comfyhoused.creator.erasure import request_erasure
from comfyhoused.creator.export import name_export, stream_export
from comfyhoused.creator.screens.account_page import count_all
from comfyhoused.creator.screens.pages import go_to, render_open, render_screen
from comfyhoused.creator.sessions import COOKIE
from comfyhoused.creator.visitors import AnyGuest, SignedInUser, Visitor
from comfyhoused.kit.clock import get_now

router = APIRouter(prefix="/creator", include_in_schema=False)

Field = Annotated[str, Form()]


@router.post("/account/export")
async def export(visitor: SignedInUser, token: Field = "") -> Response:
    """Send everything that we hold of the user, as it is read."""
    visitor.check_form(token)
    headers = {
        "Content-Disposition": f'attachment; filename="{name_export(get_now())}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    chunks = stream_export(visitor.house, visitor.user.id)
    return StreamingResponse(chunks, media_type="application/zip", headers=headers)


@router.get("/account/delete")
async def ask_for_deletion(visitor: SignedInUser) -> Response:
    """Ask what the dialog of the account's screen asks, for browsers without script."""
    return await _ask(visitor, is_wrong=False)


@router.post("/account/delete")
async def delete_account(visitor: SignedInUser, email: Field = "", token: Field = "") -> Response:
    """Begin to erase everything of the user's, if they have typed their own address."""
    visitor.check_form(token)
    if email.strip().lower() != visitor.user.email.lower():
        return await _ask(visitor, is_wrong=True)
    await request_erasure(visitor.house, visitor.user.id)
    response = go_to("/creator/goodbye")
    COOKIE.set(response, visitor.request, "")
    return response


@router.get("/goodbye")
async def show_goodbye(guest: AnyGuest) -> Response:
    """Say what happens now."""
    return render_open(guest, "goodbye.html")


async def _ask(visitor: Visitor, *, is_wrong: bool) -> Response:
    async with visitor.house.database.begin() as session:
        counts = await count_all(session, visitor.user.id)
    return await render_screen(
        visitor,
        "account_delete.html",
        nav="Account",
        status_code=422 if is_wrong else 200,
        counts=counts,
        wrong=is_wrong,
    )
