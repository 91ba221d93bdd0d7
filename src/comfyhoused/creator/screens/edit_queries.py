"""A user's edits, read for screens: a page of them by key, one of them, and how many there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePath

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.edits.finding import EditNotFound
from comfyhoused.creator.screens.edit_views import EditView, view_edit
from comfyhoused.creator.tables import Delivery, Edit, Photo, Source
from comfyhoused.creator.words import OPEN_EDIT_STATES
from comfyhoused.kit.pages import InvalidCursor, Page, make_cursor, read_cursor


@dataclass(frozen=True, slots=True)
class Show:
    """Which edits to list: `state` is one of SHOWN, '' for all; preset and source likewise.

    `name`: only those of photos with these letters in their names. `since`: only those that were
    finished after it.
    """

    state: str = ""
    preset: str = ""
    source: str = ""
    name: str = ""
    since: datetime | None = None


SHOWN: Mapping[str, str] = {
    "": "All",
    "ready": "Ready",
    "underway": "Under way",
    "approve": "Waits for you",
    "failed": "Not finished",
    "wrong": "Looked wrong",
}


def _narrow(user_id: str, show: Show) -> list[ColumnElement[bool]]:
    def has_delivery(*states: str) -> ColumnElement[bool]:
        # Of few rows (an index has them), where a join would read every delivery.
        mine = select(Delivery.edit_id).where(Delivery.user_id == user_id)
        return Edit.id.in_(mine.where(Delivery.state.in_(states)))

    states: dict[str, ColumnElement[bool]] = {
        "ready": and_(Edit.state == "finished", ~has_delivery("held", "failed", "rejected")),
        "underway": Edit.state.in_(OPEN_EDIT_STATES),
        "approve": has_delivery("held"),
        "failed": or_(Edit.state == "failed", has_delivery("failed")),
        "unfinished": Edit.state == "failed",
        "undelivered": and_(Edit.state != "failed", has_delivery("failed")),
        "wrong": Edit.wrong_reason.is_not(None),
    }
    narrowed = [states.get(show.state, false())] if show.state else []
    narrowed += [Edit.preset == show.preset] if show.preset else []
    narrowed += [Edit.source_id == show.source] if show.source else []
    narrowed += [Edit.finished_at > show.since] if show.since else []
    if show.name:
        named = Photo.name.icontains(show.name, autoescape=True)
        narrowed += [Edit.photo_id.in_(select(Photo.id).where(Photo.user_id == user_id, named))]
    return narrowed


def _select_edits(user_id: str) -> Select[Edit, Photo, Delivery, Source]:
    return (
        select(Edit, Photo, Delivery, Source)
        .join(Photo, Photo.id == Edit.photo_id)
        .join(Source, Source.id == Edit.source_id)
        .outerjoin(Delivery, Delivery.edit_id == Edit.id)
        .where(Edit.user_id == user_id)
    )


async def list_edits(
    session: AsyncSession,
    user_id: str,
    titles: Mapping[str, str],
    *,
    show: Show = Show(),
    before: str | None = None,
    limit: int = 24,
) -> Page[EditView]:
    """Return a page of edits, newest first; the page after it begins where this one ends."""
    query = _select_edits(user_id).where(*_narrow(user_id, show))
    if before:
        query = query.where(tuple_(Edit.created_at, Edit.id) < tuple_(*read_position(before)))
    query = query.order_by(Edit.created_at.desc(), Edit.id.desc()).limit(limit + 1)
    rows = (await session.execute(query)).all()
    more = len(rows) > limit
    items = [view_edit(*row, titles) for row in rows[:limit]]
    last = items[-1] if more else None
    cursor = make_cursor(f"{last.created_at.isoformat()} {last.id}") if last else None
    return Page(items, cursor)


async def count_edits(
    session: AsyncSession, user_id: str, show: Show = Show(), *, most: int | None = None
) -> int:
    """Return how many edits there are of this kind; with `most`, no further than one beyond it.

    Where there are many, to count them all takes longer than to read a page of them.
    """
    number = 0
    for part in _part(show):
        query = select(Edit.id).where(Edit.user_id == user_id, *_narrow(user_id, part))
        if most is not None:
            # In an order that only this user's index has: else all users' edits may be read.
            query = query.order_by(Edit.created_at.desc(), Edit.id.desc()).limit(most + 1)
        found = query.subquery()
        number += int(await session.scalar(select(func.count()).select_from(found)) or 0)
    return number if most is None else min(number, most + 1)


def _part(show: Show) -> list[Show]:
    """Return kinds that share no edit and make up this one, each found by one index.

    Edits that have failed have no delivery: to look for either at once would read every edit.
    """
    if show.state != "failed":
        return [show]
    return [replace(show, state="unfinished"), replace(show, state="undelivered")]


async def get_view(
    session: AsyncSession, user_id: str, edit_id: str, titles: Mapping[str, str]
) -> EditView:
    """Return one edit of the user's; raises EditNotFound."""
    found = (await session.execute(_select_edits(user_id).where(Edit.id == edit_id))).one_or_none()
    if found is None:
        raise EditNotFound("It may have been deleted with its folder.")
    return view_edit(*found, titles)


@dataclass(frozen=True, slots=True)
class Picture:
    """A finished picture in our storage. `name`: as it would be called in a folder."""

    key: str
    name: str
    finished_at: datetime


async def list_pictures(
    session: AsyncSession, user_id: str, edit_ids: Sequence[str]
) -> list[Picture]:
    """Return the largest picture that is here of each finished edit, oldest first."""
    query = (
        select(Edit, Photo.name, Delivery.name)
        .join(Photo, Photo.id == Edit.photo_id)
        .outerjoin(Delivery, Delivery.edit_id == Edit.id)
        .where(Edit.user_id == user_id, Edit.id.in_(edit_ids), Edit.state == "finished")
        .order_by(Edit.created_at, Edit.id)
    )
    pictures = []
    for edit, photo_name, delivery_name in await session.execute(query):
        if key := edit.result_file or edit.preview_file:
            stem = PurePath(delivery_name or f"{PurePath(photo_name).stem}_{edit.preset}").stem
            name = f"{stem}{PurePath(key).suffix}"
            pictures.append(Picture(key, name, edit.finished_at or edit.created_at))
    return pictures


async def list_versions(
    session: AsyncSession, user_id: str, photo_id: str, titles: Mapping[str, str]
) -> list[EditView]:
    """Return every edit of one photo, oldest first."""
    query = _select_edits(user_id).where(Edit.photo_id == photo_id).order_by(Edit.created_at)
    return [view_edit(*row, titles) for row in await session.execute(query)]


def read_position(cursor: str) -> tuple[datetime, str]:
    """Return the place in a listing that a cursor stands for; raises InvalidCursor."""
    instant, _, edit_id = read_cursor(cursor).partition(" ")
    try:
        return datetime.fromisoformat(instant), edit_id
    except ValueError as error:
        raise InvalidCursor("Start from the newest.") from error


async def find_neighbours(
    session: AsyncSession, user_id: str, edit: EditView
) -> tuple[str | None, str | None]:
    """Return the ids of the next newer and the next older edit."""
    here = tuple_(edit.created_at, edit.id)
    key = tuple_(Edit.created_at, Edit.id)
    mine = select(Edit.id).where(Edit.user_id == user_id).limit(1)
    newer = mine.where(key > here).order_by(Edit.created_at, Edit.id)
    older = mine.where(key < here).order_by(Edit.created_at.desc(), Edit.id.desc())
    return await session.scalar(newer), await session.scalar(older)
