"""/creator/home: what is ready, what is on the bench, what needs you."""

from fastapi import APIRouter
from fastapi.responses import Response

from comfyhoused.creator.screens.home_view import look_at_home
from comfyhoused.creator.screens.pages import render_part, render_screen
from comfyhoused.creator.visitors import SignedInUser

router = APIRouter(prefix="/creator", include_in_schema=False)


@router.get("/home")
async def show_home(visitor: SignedInUser) -> Response:
    """Show the user's home."""
    home = await look_at_home(visitor.house, visitor.user)
    return await render_screen(visitor, "home.html", nav="Home", **home.describe())


@router.get("/home/parts")
async def show_parts(visitor: SignedInUser) -> Response:
    """Give what may have changed, for script to put in its place."""
    home = await look_at_home(visitor.house, visitor.user)
    return render_part(visitor, "parts/home.html", **home.describe())
