"""/creator/help: questions and answers, for whoever asks."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from comfyhoused.creator.screens.pages import render_open, render_screen
from comfyhoused.creator.screens.preset_views import view_presets
from comfyhoused.creator.visitors import AnyGuest, get_visitor

router = APIRouter(prefix="/creator", include_in_schema=False)


@router.get("/help")
async def show_help(guest: AnyGuest) -> Response:
    """Show the help, in the frame of the screens for whoever has signed in."""
    presets = view_presets(guest.house.presets)
    plans = guest.house.plans.list_offered()
    context: dict[str, Any] = {"presets": presets, "free": plans[0]}
    if guest.user is None:
        return render_open(guest, "help.html", frame="site.html", here="", **context)
    visitor = await get_visitor(guest.request, guest.house)
    return await render_screen(visitor, "help.html", nav="Help", frame="layout.html", **context)
