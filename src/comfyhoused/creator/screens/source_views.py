"""A user's sources as screens show them: the folder, how it stands, and what waits in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.tables import Connection, Photo, Source

_STATES = {
    "active": ("succeeded", "Watched"),
    "paused": ("held", "Paused"),
    "reconnect": ("failed", "Not reached"),
    "broken": ("failed", "Does not work"),
}


@dataclass(frozen=True, slots=True)
class SourceView:
    """A watched folder. `counts` are its photos by state."""

    id: str
    name: str
    kind: str
    state: str
    glyph: str
    words: str
    preset: str
    preset_title: str
    strength: int
    parameters: Mapping[str, Any]
    name_template: str
    approves_first: bool
    has_subfolders: bool
    problem: str
    mode: str
    account: str
    connection_id: str | None
    counts: Mapping[str, int]

    @property
    def backlog(self) -> int:
        """Photos that were there before and wait for a choice."""
        return self.counts.get("backlog", 0)

    @property
    def edited(self) -> int:
        """Photos that have an edit."""
        return self.counts.get("complete", 0)

    @property
    def waiting(self) -> int:
        """Photos that wait for the plan."""
        return self.counts.get("waiting", 0)

    @property
    def skipped(self) -> int:
        """Files that were seen and not edited."""
        return self.counts.get("skipped", 0)

    @property
    def place(self) -> str:
        """Where the folder is, in words."""
        return "Google Drive" if self.kind == "drive" else "Disk of this house"


async def list_connections(session: AsyncSession, user_id: str) -> Sequence[Connection]:
    """Return the Google accounts that the user has connected, the oldest first."""
    query = select(Connection).where(Connection.user_id == user_id)
    return (await session.scalars(query.order_by(Connection.created_at, Connection.id))).all()


async def list_sources(
    session: AsyncSession, user_id: str, titles: Mapping[str, str], *, counts_photos: bool = False
) -> list[SourceView]:
    """Return the user's sources, the oldest first; removed ones are not shown.

    To count their photos takes long where there are many: only who shows the numbers asks.
    """
    query = (
        select(Source, Connection)
        .outerjoin(Connection, Connection.id == Source.connection_id)
        .where(Source.user_id == user_id, Source.state != "removed")
        .order_by(Source.created_at, Source.id)
    )
    rows = (await session.execute(query)).all()
    counts = await _count_photos(session, user_id) if rows and counts_photos else {}
    return [
        _view_source(source, connection, titles, counts.get(source.id, {}))
        for source, connection in rows
    ]


async def _count_photos(session: AsyncSession, user_id: str) -> dict[str, dict[str, int]]:
    query = (
        select(Photo.source_id, Photo.state, func.count())
        .where(Photo.user_id == user_id)
        .group_by(Photo.source_id, Photo.state)
    )
    counts: dict[str, dict[str, int]] = {}
    for source_id, state, number in await session.execute(query):
        counts.setdefault(source_id, {})[state] = number
    return counts


def _view_source(
    source: Source,
    connection: Connection | None,
    titles: Mapping[str, str],
    counts: Mapping[str, int],
) -> SourceView:
    glyph, words = _STATES[source.state]
    return SourceView(
        id=source.id,
        name=source.name,
        kind=source.kind,
        state=source.state,
        glyph=glyph,
        words=words,
        preset=source.preset,
        preset_title=titles.get(source.preset, source.preset),
        strength=source.strength,
        parameters=source.parameters,
        name_template=source.name_template,
        approves_first=source.approves_first,
        has_subfolders=source.has_subfolders,
        problem=str((source.problem or {}).get("detail", "")),
        mode=connection.mode if connection else "full",
        account=connection.email if connection else "",
        connection_id=source.connection_id,
        counts=counts,
    )
