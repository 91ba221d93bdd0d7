"""/creator/edits/{id}: one edit against its original, and what can be done with it."""

from fastapi import APIRouter
from fastapi.responses import Response

from comfyhoused.creator.ledger import get_usage
from comfyhoused.creator.screens.edit_queries import find_neighbours, get_view, list_versions
from comfyhoused.creator.screens.pages import render_part, render_screen
from comfyhoused.creator.screens.preset_views import list_titles, view_presets
from comfyhoused.creator.visitors import SignedInUser

router = APIRouter(prefix="/creator", include_in_schema=False)

#: What may look wrong, offered for choosing; the free words of the user go with it.
REASONS = ("Skin or faces", "Edges or background", "Colours", "Too strong", "Something else")


@router.get("/edits/{edit_id}")
async def show_edit(visitor: SignedInUser, edit_id: str) -> Response:
    """Show an edit."""
    house, user = visitor.house, visitor.user
    titles = list_titles(house.presets)
    async with house.database.begin() as session:
        edit = await get_view(session, user.id, edit_id, titles)
        versions = await list_versions(session, user.id, edit.photo_id, titles)
        newer, older = await find_neighbours(session, user.id, edit)
        usage = await get_usage(session, house.plans, user)
    return await render_screen(
        visitor,
        "edit.html",
        nav="Gallery",
        edit=edit,
        versions=versions,
        newer=newer,
        older=older,
        usage=usage,
        presets=view_presets(house.presets),
        reasons=REASONS,
    )


@router.get("/edits/{edit_id}/parts")
async def show_parts(visitor: SignedInUser, edit_id: str) -> Response:
    """Give what may have changed of an edit, for script to put in its place."""
    titles = list_titles(visitor.house.presets)
    async with visitor.house.database.begin() as session:
        edit = await get_view(session, visitor.user.id, edit_id, titles)
    return render_part(visitor, "parts/edit.html", edit=edit, reasons=REASONS)
