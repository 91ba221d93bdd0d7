"""/creator/add: photos from this device into a folder; sent by script, in parts that resume."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from comfyhoused.creator.ledger import get_usage
from comfyhoused.creator.screens.pages import render_screen
from comfyhoused.creator.screens.preset_views import list_titles
from comfyhoused.creator.screens.source_views import list_sources
from comfyhoused.creator.visitors import SignedInUser

router = APIRouter(prefix="/creator", include_in_schema=False)


@router.get("/add")
async def show_adding(
    visitor: SignedInUser, source: Annotated[str, Query(max_length=60)] = ""
) -> Response:
    """Show the page; what it sends goes to `upload_routes.py`."""
    house, user = visitor.house, visitor.user
    async with house.database.begin() as session:
        sources = await list_sources(session, user.id, list_titles(house.presets))
        usage = await get_usage(session, house.plans, user)
    return await render_screen(
        visitor,
        "add.html",
        nav="Add",
        sources=sources,
        chosen=source,
        usage=usage,
        most_bytes=house.resources.settings.http.max_upload_bytes,
    )
