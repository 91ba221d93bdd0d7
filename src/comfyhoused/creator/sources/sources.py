"""Sources as their owners see them: made, changed, paused, removed. Watchers do the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import case, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.tables import Source
from comfyhoused.creator.watching.leases import bring_forward
from comfyhoused.kit.errors import Conflict, InvalidRequest, NotFound
from comfyhoused.kit.ids import make_id

#: Older than any photo: a source that was last listed then is listed at the next look.
LONG_AGO = datetime(1970, 1, 2, tzinfo=UTC)
_MOST_SOURCES = 100
_CHANGEABLE = frozenset(
    {
        "name",
        "edited_key",
        "preset",
        "strength",
        "parameters",
        "name_template",
        "approves_first",
        "has_subfolders",
    }
)


class SourceNotFound(NotFound):
    """No such source, or it belongs to somebody else, or it was removed."""

    code = "source_not_found"
    title = "There is no such source of yours"


class SourceTaken(Conflict):
    """The folder is watched already, or results go there."""

    code = "source_taken"
    title = "This folder is in use already"


class SourceRefused(InvalidRequest):
    """The two folders cannot be a source."""

    code = "source_refused"
    title = "These folders cannot be a source"


@dataclass(frozen=True, slots=True)
class NewSource:
    """A source to be made. Keys are ids on Drive, else paths below the folder of local photos."""

    kind: str
    name: str
    raw_key: str
    edited_key: str
    preset: str
    strength: int = 60
    parameters: Mapping[str, Any] = field(default_factory=dict)
    connection_id: str | None = None
    name_template: str = "{name}_{preset}"
    approves_first: bool = False
    has_subfolders: bool = True


async def create_source(session: AsyncSession, user_id: str, new: NewSource) -> Source:
    """Store a source; the first look counts what lies there already as backlog.

    A folder that was a source before goes on with what it had: nothing is edited twice. The
    caller has checked that the folders are the user's (`check_theirs`, or on Drive by asking).
    Raises SourceTaken, SourceRefused.
    """
    _check_keys(new)
    await _check_free(session, user_id, new)
    values = {
        "id": make_id("source"),
        "user_id": user_id,
        "connection_id": new.connection_id,
        "kind": new.kind,
        "name": new.name,
        "raw_key": new.raw_key,
        "edited_key": new.edited_key,
        "preset": new.preset,
        "strength": new.strength,
        "parameters": dict(new.parameters),
        "name_template": new.name_template,
        "approves_first": new.approves_first,
        "has_subfolders": new.has_subfolders,
    }
    again = {name: value for name, value in values.items() if name not in ("id", "user_id")}
    stored: Source | None = await session.scalar(
        insert(Source)
        .values(values)
        .on_conflict_do_update(
            index_elements=["user_id", "kind", "raw_key"],
            set_={
                **again,
                "state": "active",
                "problem": None,
                "misses": 0,
                "next_look_at": func.now(),
                # What came while it was no source is backlog, as at the first time.
                "reconciled_at": None,
                "created_at": func.now(),
            },
            where=Source.state == "removed",
        )
        .returning(Source)
        .execution_options(populate_existing=True)
    )
    if stored is None:
        raise SourceTaken(f"“{new.name}” is one of your sources already.")
    return stored


async def list_sources(session: AsyncSession, user_id: str) -> Sequence[Source]:
    """Return the user's sources, oldest first."""
    rows = await session.scalars(
        select(Source)
        .where(Source.user_id == user_id, Source.state != "removed")
        .order_by(Source.created_at, Source.id)
    )
    return rows.all()


async def get_source(
    session: AsyncSession, user_id: str, source_id: str, *, is_locked: bool = False
) -> Source:
    """Return one source of the user's; raises SourceNotFound."""
    query = select(Source).where(
        Source.id == source_id, Source.user_id == user_id, Source.state != "removed"
    )
    if is_locked:
        query = query.with_for_update(key_share=True)
    source: Source | None = await session.scalar(query)
    if source is None:
        raise SourceNotFound("It may have been removed.")
    return source


async def change_source(
    session: AsyncSession, user_id: str, source_id: str, changes: Mapping[str, Any]
) -> Source:
    """Change how photos are edited and named from now on; raises SourceNotFound, SourceRefused.

    `changes`: name, edited_key, preset, strength, parameters, name_template, approves_first,
    has_subfolders.
    """
    if unknown := changes.keys() - _CHANGEABLE:
        raise SourceRefused(f"A source has no {', '.join(sorted(unknown))} to change.")
    source = await get_source(session, user_id, source_id, is_locked=True)
    for name, value in changes.items():
        setattr(source, name, value)
    if source.raw_key == source.edited_key:
        raise SourceRefused("Results need a folder of their own.")
    if "has_subfolders" in changes:
        _look_at_all(source)
    return source


async def pause_source(session: AsyncSession, user_id: str, source_id: str) -> Source:
    """Take in no more photos; edits that have begun go on."""
    source = await get_source(session, user_id, source_id, is_locked=True)
    source.state = "paused"
    return source


async def resume_source(session: AsyncSession, user_id: str, source_id: str) -> Source:
    """Go on, with what has come meanwhile."""
    source = await get_source(session, user_id, source_id, is_locked=True)
    if source.state == "paused":
        source.state, source.problem, source.misses = "active", None, 0
        _look_at_all(source)
    return source


async def pause_sources(session: AsyncSession, user_id: str) -> int:
    """Pause all of the user's sources that are at work; returns how many."""
    paused = await session.scalars(
        update(Source)
        .where(Source.user_id == user_id, Source.state.in_(("active", "broken", "reconnect")))
        .values(state="paused")
        .returning(Source.id)
    )
    return len(paused.all())


async def resume_sources(session: AsyncSession, user_id: str) -> int:
    """Have all paused sources of the user go on; returns how many."""
    paused = [one for one in await list_sources(session, user_id) if one.state == "paused"]
    for source in paused:
        await resume_source(session, user_id, source.id)
    return len(paused)


async def remove_source(session: AsyncSession, user_id: str, source_id: str) -> None:
    """Watch the folder no more. Its edits stay, and those that have begun are delivered.

    A channel that no source needs any more is closed by the watchers.
    """
    source = await get_source(session, user_id, source_id, is_locked=True)
    source.state = "removed"


async def rescan_sources(session: AsyncSession, connection_id: str) -> None:
    """Have every source of a connection listed whole, as what changed in between is not known."""
    await session.execute(
        update(Source)
        .where(Source.connection_id == connection_id)
        .values(
            # One that was never listed still has its first listing before it.
            reconciled_at=case((Source.reconciled_at.is_(None), None), else_=LONG_AGO),
            next_look_at=bring_forward(),
        )
    )


def _look_at_all(source: Source) -> None:
    """Have it listed whole at once; one that was never listed still has its first listing."""
    source.next_look_at = func.now()
    if source.reconciled_at is not None:
        source.reconciled_at = LONG_AGO


def _check_keys(new: NewSource) -> None:
    if new.raw_key == new.edited_key:
        raise SourceRefused("Results need a folder of their own: else they would be edited again.")
    if new.kind == "local" and f"{new.raw_key}/".startswith(f"{new.edited_key}/"):
        raise SourceRefused("The photos cannot lie inside the folder for results.")


async def _check_free(session: AsyncSession, user_id: str, new: NewSource) -> None:
    sources = await list_sources(session, user_id)
    if len(sources) >= _MOST_SOURCES:
        raise SourceRefused(f"An account has at most {_MOST_SOURCES} sources.")
    for source in sources:
        if source.kind != new.kind:
            continue
        if new.raw_key == source.edited_key or new.edited_key == source.raw_key:
            raise SourceTaken(f"The source “{source.name}” uses this folder the other way round.")
