"""/creator/skipped: every file that was seen and not edited, and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Query
from fastapi.responses import Response
from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.next_page import check_next
from comfyhoused.creator.screens.edit_queries import read_position
from comfyhoused.creator.screens.pages import go_to, render_screen
from comfyhoused.creator.screens.said import say_at
from comfyhoused.creator.skips import Skip, describe_skip
from comfyhoused.creator.tables import Photo, Source
from comfyhoused.creator.visitors import SignedInUser
from comfyhoused.creator.watching.again import look_again
from comfyhoused.kit.pages import Page, make_cursor

router = APIRouter(prefix="/creator", include_in_schema=False)

_PAGE = 50


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file that has no edit. `detail` is what is known beyond the reason."""

    id: str
    name: str
    folder: str
    source: str
    size_bytes: int
    seen_at: datetime
    skip: Skip
    detail: str


@router.get("/skipped")
async def show_skipped(
    visitor: SignedInUser,
    why: Annotated[str, Query(max_length=40)] = "",
    before: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Show what was skipped, all or for one reason."""
    async with visitor.house.database.begin() as session:
        page = await list_skipped(session, visitor.user.id, why=why, before=before or None)
        reasons = await count_reasons(session, visitor.user.id)
    return await render_screen(
        visitor,
        "skipped.html",
        nav="Gallery",
        files=page.items,
        cursor=page.next_cursor,
        reasons=[(describe_skip(code), number) for code, number in reasons],
        why=why,
        before=before,
    )


@router.post("/skipped/again")
async def look_at_one_again(
    visitor: SignedInUser,
    photo: Annotated[str, Form()] = "",
    back: Annotated[str, Form()] = "/creator/skipped",
    token: Annotated[str, Form()] = "",
) -> Response:
    """Have a skipped file looked at once more."""
    visitor.check_form(token)
    async with visitor.house.database.begin() as session:
        looked_at = await look_again(session, visitor.user.id, [photo])
    return go_to(say_at(check_next(back), "look-again" if looked_at else "look-same"))


async def list_skipped(
    session: AsyncSession, user_id: str, *, why: str = "", before: str | None = None
) -> Page[SkippedFile]:
    """Return a page of skipped files, the one seen last first."""
    query = (
        select(Photo, Source.name)
        .join(Source, Source.id == Photo.source_id)
        .where(Photo.user_id == user_id, Photo.skip_code.is_not(None))
    )
    if why:
        query = query.where(Photo.skip_code == why)
    if before:
        query = query.where(tuple_(Photo.seen_at, Photo.id) < tuple_(*read_position(before)))
    query = query.order_by(Photo.seen_at.desc(), Photo.id.desc()).limit(_PAGE + 1)
    rows = (await session.execute(query)).all()
    items = [_view(photo, source) for photo, source in rows[:_PAGE]]
    last = items[-1] if len(rows) > _PAGE else None
    return Page(items, make_cursor(f"{last.seen_at.isoformat()} {last.id}") if last else None)


async def count_reasons(session: AsyncSession, user_id: str) -> list[tuple[str, int]]:
    """Return (code, number) of every reason, the most frequent first."""
    query = (
        select(Photo.skip_code, func.count())
        .where(Photo.user_id == user_id, Photo.skip_code.is_not(None))
        .group_by(Photo.skip_code)
        .order_by(func.count().desc(), Photo.skip_code)
    )
    return [(code or "", number) for code, number in await session.execute(query)]


def _view(photo: Photo, source: str) -> SkippedFile:
    skip = describe_skip(photo.skip_code or "")
    return SkippedFile(
        photo.id,
        photo.name,
        photo.folder,
        source,
        photo.size_bytes,
        photo.seen_at,
        skip,
        photo.skip_detail or "",
    )
