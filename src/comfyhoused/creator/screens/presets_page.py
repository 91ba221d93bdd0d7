"""/creator/presets: every preset with its samples, and which folders use it."""

from fastapi import APIRouter
from fastapi.responses import Response

from comfyhoused.creator.screens.pages import render_screen
from comfyhoused.creator.screens.preset_views import list_titles, view_presets
from comfyhoused.creator.screens.source_views import list_sources
from comfyhoused.creator.visitors import SignedInUser

router = APIRouter(prefix="/creator", include_in_schema=False)


@router.get("/presets")
async def show_presets(visitor: SignedInUser) -> Response:
    """Show the presets."""
    titles = list_titles(visitor.house.presets)
    async with visitor.house.database.begin() as session:
        sources = await list_sources(session, visitor.user.id, titles)
    return await render_screen(
        visitor,
        "presets.html",
        nav="Presets",
        presets=view_presets(visitor.house.presets),
        sources=sources,
    )
