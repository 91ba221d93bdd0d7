"""The gallery: a user's edits, newest first, a page at a time; and how many there are."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.edits.pictures import make_picture_link
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.tables import Delivery, Edit, Photo
from comfyhoused.creator.words import OPEN_EDIT_STATES
from comfyhoused.kit.errors import Problem
from comfyhoused.kit.pages import InvalidCursor, Page, make_cursor, read_cursor

_PAGE = 48


@dataclass(frozen=True, slots=True)
class EditCard:
    """An edit as a gallery shows it. `delivery` is a state of deliveries, '' before it is finished.

    `thumb_url` is of the edit, or of the photo where there is none yet; '' before that.
    """

    id: str
    photo_id: str
    source_id: str
    name: str
    folder: str
    preset: str
    strength: int
    state: str
    delivery: str
    is_credited: bool
    error: Problem | None
    thumb_url: str
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class EditFilter:
    """What of the gallery is shown. Empty: everything.

    `states` are states of edits (`list_edits(…, EditFilter(states=OPEN_EDIT_STATES))`),
    `deliveries` of deliveries; `name` is a part of the photo's name.
    """

    states: Sequence[str] = ()
    deliveries: Sequence[str] = ()
    source_id: str = ""
    preset: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class EditCounts:
    """How many edits a user has, by state; how many pictures are held, or cannot be delivered.

    `photos_waiting`: photos for which the plan has no unit left.
    """

    states: dict[str, int] = field(default_factory=dict)
    deliveries: dict[str, int] = field(default_factory=dict)
    photos_waiting: int = 0

    @property
    def total(self) -> int:
        """All edits."""
        return sum(self.states.values())

    @property
    def open(self) -> int:
        """Edits that go on."""
        return sum(self.states.get(state, 0) for state in OPEN_EDIT_STATES)

    @property
    def held(self) -> int:
        """Pictures that wait for their owner's approval."""
        return self.deliveries.get("held", 0)

    @property
    def failed(self) -> int:
        """What could be tried again: edits and deliveries that have failed."""
        return self.states.get("failed", 0) + self.deliveries.get("failed", 0)


async def list_edits(
    session: AsyncSession,
    house: CreatorHouse,
    user_id: str,
    wanted: EditFilter | None = None,
    *,
    cursor: str | None = None,
    limit: int = _PAGE,
) -> Page[EditCard]:
    """Return a page of the user's edits, newest first; raises InvalidCursor."""
    query = _select_cards(user_id, wanted or EditFilter())
    if cursor is not None:
        query = query.where(tuple_(Edit.created_at, Edit.id) < _read_position(cursor))
    query = query.order_by(Edit.created_at.desc(), Edit.id.desc()).limit(limit + 1)
    rows = (await session.execute(query)).all()
    next_cursor = None
    if len(rows) > limit:
        last = rows[limit - 1]
        next_cursor = make_cursor(f"{last.created_at.isoformat()} {last.id}")
    return Page([await _make_card(house, row) for row in rows[:limit]], next_cursor)


async def list_held(
    session: AsyncSession,
    house: CreatorHouse,
    user_id: str,
    *,
    source_id: str = "",
    cursor: str | None = None,
    limit: int = _PAGE,
) -> Page[EditCard]:
    """Return a page of what waits for its owner's approval, newest first."""
    wanted = EditFilter(deliveries=("held",), source_id=source_id)
    return await list_edits(session, house, user_id, wanted, cursor=cursor, limit=limit)


async def count_edits(session: AsyncSession, user_id: str) -> EditCounts:
    """Return how many edits the user has in each state."""
    states = await session.execute(
        select(Edit.state, func.count()).where(Edit.user_id == user_id).group_by(Edit.state)
    )
    deliveries = await session.execute(
        select(Delivery.state, func.count())
        .where(Delivery.user_id == user_id)
        .group_by(Delivery.state)
    )
    waiting = await session.scalar(
        select(func.count()).where(Photo.user_id == user_id, Photo.state == "waiting")
    )
    return EditCounts(
        {row[0]: row[1] for row in states},
        {row[0]: row[1] for row in deliveries},
        waiting or 0,
    )


def _select_cards(user_id: str, wanted: EditFilter) -> Select[*tuple[Any, ...]]:
    query: Select[*tuple[Any, ...]] = (
        select(
            Edit.id,
            Edit.photo_id,
            Edit.source_id,
            Photo.name,
            Photo.folder,
            Edit.preset,
            Edit.strength,
            Edit.state,
            Delivery.state.label("delivery"),
            Edit.is_credited,
            func.coalesce(Edit.error, Delivery.error).label("error"),
            func.coalesce(Edit.thumb_file, Photo.thumb_file).label("thumb_file"),
            Edit.created_at,
            Edit.finished_at,
        )
        .join(Photo, Photo.id == Edit.photo_id)
        .outerjoin(Delivery, Delivery.edit_id == Edit.id)
        .where(Edit.user_id == user_id)
    )
    return query.where(*_list_conditions(wanted))


def _list_conditions(wanted: EditFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.states:
        conditions.append(Edit.state.in_(wanted.states))
    if wanted.deliveries:
        conditions.append(Delivery.state.in_(wanted.deliveries))
    if wanted.source_id:
        conditions.append(Edit.source_id == wanted.source_id)
    if wanted.preset:
        conditions.append(Edit.preset == wanted.preset)
    if wanted.name:
        conditions.append(Photo.name.icontains(wanted.name, autoescape=True))
    return conditions


async def _make_card(house: CreatorHouse, row: Row[*tuple[Any, ...]]) -> EditCard:
    return EditCard(
        id=row.id,
        photo_id=row.photo_id,
        source_id=row.source_id,
        name=row.name,
        folder=row.folder,
        preset=row.preset,
        strength=row.strength,
        state=row.state,
        delivery=row.delivery or "",
        is_credited=row.is_credited,
        error=row.error,
        thumb_url=await make_picture_link(house, row.thumb_file) if row.thumb_file else "",
        created_at=row.created_at,
        finished_at=row.finished_at,
    )


def _read_position(cursor: str) -> tuple[datetime, str]:
    instant, _, edit_id = read_cursor(cursor).partition(" ")
    try:
        at = datetime.fromisoformat(instant)
    except ValueError as error:
        raise InvalidCursor("Leave `cursor` out to start from the newest.") from error
    if at.tzinfo is None or not edit_id:
        raise InvalidCursor("Leave `cursor` out to start from the newest.")
    return at, edit_id
