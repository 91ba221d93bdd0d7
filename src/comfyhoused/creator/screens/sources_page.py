"""/creator/sources: the watched folders, how each stands, and what is to be decided."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response

from comfyhoused.creator.ledger import get_usage
from comfyhoused.creator.screens.pages import go_to, render_screen
from comfyhoused.creator.screens.preset_views import list_titles
from comfyhoused.creator.screens.said import say_at
from comfyhoused.creator.screens.source_views import list_connections, list_sources
from comfyhoused.creator.sources.sources import (
    pause_source,
    pause_sources,
    remove_source,
    resume_source,
    resume_sources,
)
from comfyhoused.creator.visitors import SignedInUser
from comfyhoused.creator.watching.backlog import edit_backlog, leave_backlog

router = APIRouter(prefix="/creator/sources", include_in_schema=False)

_PAGE = "/creator/sources"
Token = Annotated[str, Form()]


@router.get("")
async def show_sources(visitor: SignedInUser) -> Response:
    """Show the user's folders."""
    house, user = visitor.house, visitor.user
    titles = list_titles(house.presets)
    async with house.database.begin() as session:
        sources = await list_sources(session, user.id, titles, counts_photos=True)
        connections = await list_connections(session, user.id)
        usage = await get_usage(session, house.plans, user)
    return await render_screen(
        visitor,
        "sources.html",
        nav="Folders",
        sources=sources,
        connections=connections,
        usage=usage,
        may_pause=any(one.state == "active" for one in sources),
        may_resume=any(one.state == "paused" for one in sources),
    )


@router.post("/pause")
async def pause_all(visitor: SignedInUser, token: Token = "") -> Response:
    """Take in no more photos from any folder."""
    visitor.check_form(token)
    async with visitor.house.database.begin() as session:
        await pause_sources(session, visitor.user.id)
    return go_to(say_at(_PAGE, "paused"))


@router.post("/resume")
async def resume_all(visitor: SignedInUser, token: Token = "") -> Response:
    """Have every paused folder go on."""
    visitor.check_form(token)
    async with visitor.house.database.begin() as session:
        await resume_sources(session, visitor.user.id)
    return go_to(say_at(_PAGE, "resumed"))


@router.post("/{source_id}/pause")
async def pause_one(visitor: SignedInUser, source_id: str, token: Token = "") -> Response:
    """Take in no more photos from one folder."""
    visitor.check_form(token)
    async with visitor.house.database.begin() as session:
        await pause_source(session, visitor.user.id, source_id)
    return go_to(say_at(_PAGE, "paused"))


@router.post("/{source_id}/resume")
async def resume_one(visitor: SignedInUser, source_id: str, token: Token = "") -> Response:
    """Have one folder go on."""
    visitor.check_form(token)
    async with visitor.house.database.begin() as session:
        await resume_source(session, visitor.user.id, source_id)
    return go_to(say_at(_PAGE, "resumed"))


@router.post("/{source_id}/remove")
async def remove_one(visitor: SignedInUser, source_id: str, token: Token = "") -> Response:
    """Watch a folder no more."""
    visitor.check_form(token)
    async with visitor.house.database.begin() as session:
        await remove_source(session, visitor.user.id, source_id)
    return go_to(say_at(_PAGE, "removed"))


@router.post("/{source_id}/backlog")
async def decide_backlog(
    visitor: SignedInUser,
    source_id: str,
    choice: Annotated[str, Form()] = "",
    token: Token = "",
) -> Response:
    """Edit what lay in the folder before, or leave it: `choice` is `edit` or `leave`."""
    visitor.check_form(token)
    is_wanted = choice == "edit"
    decide = edit_backlog if is_wanted else leave_backlog
    async with visitor.house.database.begin() as session:
        await decide(session, visitor.user.id, source_id)
    return go_to(say_at(_PAGE, "backlog" if is_wanted else "backlog-skip"))
