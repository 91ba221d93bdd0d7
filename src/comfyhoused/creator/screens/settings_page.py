"""/creator/settings: which mails we send."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response
from sqlalchemy import update

from comfyhoused.creator.screens.pages import go_to, render_screen
from comfyhoused.creator.screens.preset_views import list_titles
from comfyhoused.creator.screens.said import say_at
from comfyhoused.creator.screens.source_views import list_sources
from comfyhoused.creator.tables import User
from comfyhoused.creator.visitors import SignedInUser

router = APIRouter(prefix="/creator/settings", include_in_schema=False)


@router.get("")
async def show_settings(visitor: SignedInUser) -> Response:
    """Show the settings."""
    titles = list_titles(visitor.house.presets)
    async with visitor.house.database.begin() as session:
        sources = await list_sources(session, visitor.user.id, titles)
    has_mail = visitor.house.resources.mail_server is not None
    return await render_screen(
        visitor, "settings.html", nav="Settings", sources=sources, has_mail=has_mail
    )


@router.post("")
async def save_settings(
    visitor: SignedInUser,
    results: Annotated[str, Form()] = "",
    problems: Annotated[str, Form()] = "",
    token: Annotated[str, Form()] = "",
) -> Response:
    """Keep which mails the user wants: a box that is not ticked is not sent."""
    visitor.check_form(token)
    change = update(User).where(User.id == visitor.user.id)
    async with visitor.house.database.begin() as session:
        await session.execute(
            change.values(mail_results=bool(results), mail_problems=bool(problems))
        )
    return go_to(say_at("/creator/settings", "saved"))
