"""/creator/account: who you are here, where you are signed in, taking your data, and leaving."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.screens.browser_names import name_browser
from comfyhoused.creator.screens.edit_queries import count_edits
from comfyhoused.creator.screens.pages import go_to, render_screen
from comfyhoused.creator.screens.said import say_at
from comfyhoused.creator.sessions import end_other_sessions, end_session, list_browsers
from comfyhoused.creator.tables import Source
from comfyhoused.creator.visitors import SignedInUser

router = APIRouter(prefix="/creator/account", include_in_schema=False)

_PAGE = "/creator/account"
Token = Annotated[str, Form()]


@dataclass(frozen=True, slots=True)
class BrowserView:
    """A browser in which the user is signed in."""

    id: str
    words: str
    seen_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Counts:
    """What would be gone."""

    edits: int
    sources: int


@router.get("")
async def show_account(visitor: SignedInUser) -> Response:
    """Show the account."""
    async with visitor.house.database.begin() as session:
        browsers = await list_browsers(session, visitor.user.id)
        counts = await count_all(session, visitor.user.id)
    return await render_screen(
        visitor,
        "account.html",
        nav="Account",
        browsers=[
            BrowserView(one.id, name_browser(one.name), one.seen_at, one.created_at)
            for one in browsers
        ],
        browser=visitor.browser,
        counts=counts,
        wrong=False,
    )


@router.post("/browsers/{browser_id}/end")
async def end_one(visitor: SignedInUser, browser_id: str, token: Token = "") -> Response:
    """Sign one browser out."""
    visitor.check_form(token)
    async with visitor.house.database.begin() as session:
        await end_session(session, visitor.user.id, browser_id)
    return go_to(say_at(_PAGE, "ended"))


@router.post("/browsers/end-others")
async def end_others(visitor: SignedInUser, token: Token = "") -> Response:
    """Sign all browsers out but this one."""
    visitor.check_form(token)
    async with visitor.house.database.begin() as session:
        await end_other_sessions(session, visitor.user.id, visitor.browser.id)
    return go_to(say_at(_PAGE, "ended-others"))


async def count_all(session: AsyncSession, user_id: str) -> Counts:
    """Return how much a user has here."""
    query = select(func.count()).select_from(Source)
    mine = query.where(Source.user_id == user_id, Source.state != "removed")
    return Counts(await count_edits(session, user_id), int(await session.scalar(mine) or 0))
