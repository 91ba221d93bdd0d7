"""/creator/review: pictures that wait for their owner's yes, one after the other."""

from fastapi import APIRouter
from fastapi.responses import Response

from comfyhoused.creator.screens.edit_queries import Show, count_edits, list_edits
from comfyhoused.creator.screens.pages import render_screen
from comfyhoused.creator.screens.preset_views import list_titles
from comfyhoused.creator.visitors import SignedInUser

router = APIRouter(prefix="/creator", include_in_schema=False)

#: As many as are sent with the page; the next page brings the next ones.
_BATCH = 20


@router.get("/review")
async def show_review(visitor: SignedInUser) -> Response:
    """Show the pictures that wait; without script the first of them, with its two buttons."""
    titles = list_titles(visitor.house.presets)
    async with visitor.house.database.begin() as session:
        page = await list_edits(
            session, visitor.user.id, titles, show=Show("approve"), limit=_BATCH
        )
        total = await count_edits(session, visitor.user.id, Show("approve"))
    return await render_screen(visitor, "review.html", nav="Gallery", edits=page.items, total=total)
