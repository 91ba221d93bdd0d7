"""/creator/notifications: what the bell has told."""

from typing import Annotated

from fastapi import APIRouter, Form, Query
from fastapi.responses import JSONResponse, Response

from comfyhoused.creator.bundles import bundle_notes
from comfyhoused.creator.notifications import (
    count_unread,
    list_notifications,
    read_notifications,
)
from comfyhoused.creator.screens.edit_queries import read_position
from comfyhoused.creator.screens.pages import go_to, render_screen
from comfyhoused.creator.screens.said import say_at
from comfyhoused.creator.visitors import SignedInUser
from comfyhoused.kit.pages import make_cursor

router = APIRouter(prefix="/creator/notifications", include_in_schema=False)

#: Most of them are photos of a batch, which stand as one.
_MOST_READ = 100


@router.get("")
async def show_notifications(
    visitor: SignedInUser, before: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """Show what was told, newest first; what is shown stays unread until its reader says so."""
    after = read_position(before) if before else None
    async with visitor.house.database.begin() as session:
        page = await list_notifications(session, visitor.user.id, after=after, most=_MOST_READ)
    older = None
    if page.after:
        instant, note_id = page.after
        older = make_cursor(f"{instant.isoformat()} {note_id}")
    return await render_screen(
        visitor,
        "notifications.html",
        nav="Notifications",
        notes=bundle_notes(page.items),
        older=older,
        before=before,
    )


@router.get("/count")
async def give_count(visitor: SignedInUser) -> Response:
    """Give how many are unread, for the bell."""
    async with visitor.house.database.begin() as session:
        unread = await count_unread(session, visitor.user.id)
    return JSONResponse({"unread": unread}, headers={"Cache-Control": "no-store"})


@router.post("/read")
async def read_all(
    visitor: SignedInUser,
    note: Annotated[str, Form()] = "",
    token: Annotated[str, Form()] = "",
) -> Response:
    """Mark one or all as read."""
    visitor.check_form(token)
    ids = [note] if note else None
    async with visitor.house.database.begin() as session:
        await read_notifications(session, visitor.user.id, ids=ids)
    return go_to(say_at("/creator/notifications", "saved" if note else "read"))
