"""/creator/gallery: every edit, newest first, a page by key at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.screens.edit_queries import SHOWN, Show, count_edits, list_edits
from comfyhoused.creator.screens.edit_views import EditView
from comfyhoused.creator.screens.pages import render_part, render_screen
from comfyhoused.creator.screens.preset_views import list_titles
from comfyhoused.creator.screens.source_views import SourceView, list_sources
from comfyhoused.creator.visitors import SignedInUser
from comfyhoused.kit.clock import get_now
from comfyhoused.web.words import format_most

router = APIRouter(prefix="/creator", include_in_schema=False)

GALLERY = "/creator/gallery"
_PAGE = 24
#: What a page says of how many there are ends here, with a plus.
MOST_COUNTED = 1000


@dataclass(frozen=True, slots=True)
class Choice:
    """A link that narrows the gallery; `is_on` marks the present one."""

    words: str
    href: str
    is_on: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Edits that began in one stretch of time."""

    title: str
    edits: list[EditView]


async def read_wanted(
    show: Annotated[str, Query(max_length=20)] = "",
    preset: Annotated[str, Query(max_length=40)] = "",
    source: Annotated[str, Query(max_length=40)] = "",
    name: Annotated[str, Query(max_length=100)] = "",
) -> Show:
    """Return which edits the address asks for."""
    return Show(show if show in SHOWN else "", preset, source, name.strip())


Wanted = Annotated[Show, Depends(read_wanted)]
Before = Annotated[str, Query(max_length=200)]


@router.get("/gallery")
async def show_gallery(visitor: SignedInUser, wanted: Wanted, before: Before = "") -> Response:
    """Show a page of edits, all or those of a kind."""
    titles = list_titles(visitor.house.presets)
    async with visitor.house.database.begin() as session:
        edits = await _look(session, visitor.user.id, titles, wanted, before)
        to_approve = await count_edits(session, visitor.user.id, Show("approve"))
        sources = await list_sources(session, visitor.user.id, titles)
    return await render_screen(
        visitor,
        "gallery.html",
        nav="Gallery",
        to_approve=to_approve,
        show=wanted,
        here=make_href(wanted, before),
        parts=make_href(wanted, before, page=f"{GALLERY}/parts"),
        states=[
            Choice(words, make_href(replace(wanted, state=state)), state == wanted.state)
            for state, words in SHOWN.items()
        ],
        presets=_list_presets(wanted, titles),
        sources=_list_folders(wanted, sources),
        choices=titles,
        **edits,
    )


@router.get("/gallery/parts")
async def show_parts(visitor: SignedInUser, wanted: Wanted, before: Before = "") -> Response:
    """Give the edits of a page, for script to put new ones and other states in their places."""
    titles = list_titles(visitor.house.presets)
    async with visitor.house.database.begin() as session:
        edits = await _look(session, visitor.user.id, titles, wanted, before)
    return render_part(visitor, "parts/gallery.html", **edits)


async def _look(
    session: AsyncSession, user_id: str, titles: Mapping[str, str], wanted: Show, before: str
) -> dict[str, Any]:
    """Return what the edits of a page are shown with."""
    page = await list_edits(
        session, user_id, titles, show=wanted, before=before or None, limit=_PAGE
    )
    total = await count_edits(session, user_id, wanted, most=MOST_COUNTED)
    return {
        "groups": group_by_time(page.items, get_now()),
        "shown": len(page.items),
        "total": total,
        "total_words": format_most(total, MOST_COUNTED),
        "any_at_all": total > 0 or await count_edits(session, user_id, most=0) > 0,
        "older": make_href(wanted, page.next_cursor) if page.next_cursor else None,
        "newest": make_href(wanted) if before else None,
        "looked_for": wanted.name,
    }


def _list_presets(wanted: Show, titles: dict[str, str]) -> list[Choice]:
    return [
        Choice(
            words or "Every preset",
            make_href(replace(wanted, preset=name)),
            name == wanted.preset,
        )
        for name, words in {"": "", **titles}.items()
    ]


def _list_folders(wanted: Show, sources: Sequence[SourceView]) -> list[Choice]:
    folders = {"": "Every folder"} | {one.id: one.name for one in sources}
    return [
        Choice(words, make_href(replace(wanted, source=key)), key == wanted.source)
        for key, words in folders.items()
    ]


def make_href(show: Show, before: str | None = None, *, page: str = GALLERY) -> str:
    """Return the address of a page of the gallery."""
    parts = {"show": show.state, "preset": show.preset, "source": show.source, "name": show.name}
    query = urlencode({name: part for name, part in (parts | {"before": before}).items() if part})
    return f"{page}?{query}" if query else page


def group_by_time(edits: Sequence[EditView], now: datetime) -> list[Group]:
    """Return the edits under headings of their time, in the order given."""
    groups: list[Group] = []
    for edit in edits:
        title = _name_time(edit.created_at, now)
        if not groups or groups[-1].title != title:
            groups.append(Group(title, []))
        groups[-1].edits.append(edit)
    return groups


def _name_time(instant: datetime, now: datetime) -> str:
    # Not by the calendar: whose day it is depends on where somebody is.
    if instant > now - timedelta(hours=24):
        return "The last 24 hours"
    if instant > now - timedelta(days=7):
        return "The last seven days"
    return f"{instant:%B %Y}"
