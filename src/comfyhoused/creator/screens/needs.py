"""What needs the user: said beside what it is about, with the one thing to do."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.screens.edit_queries import Show, count_edits
from comfyhoused.creator.tables import Connection, Photo, Source, User
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.periods import get_end, get_period
from comfyhoused.web.words import format_count, format_most

_RECENT = timedelta(days=7)
_MOST_COUNTED = 1000
#: Skips of which nobody needs to hear.
_SETTLED_SKIPS = ("ours", "not_a_photo", "film", "backlog_not_chosen")


@dataclass(frozen=True, slots=True)
class Need:
    """Something to be done: `look` is `failed`, `warn` or `ok`."""

    look: str
    title: str
    words: str = ""
    verb: str = ""
    href: str = ""


async def list_needs(session: AsyncSession, user: User) -> list[Need]:
    """Return what needs the user, the worst first."""
    return [
        *await _find_lost(session, user.id),
        *await _find_broken(session, user.id),
        *await _find_failed(session, user.id),
        *await _find_waiting(session, user.id),
        *await _find_backlog(session, user.id),
        *await _find_skipped(session, user.id),
    ]


async def _find_lost(session: AsyncSession, user_id: str) -> list[Need]:
    query = select(Connection).where(Connection.user_id == user_id, Connection.state == "reconnect")
    return [
        Need(
            "failed",
            "We can no longer see your Drive folder.",
            f"Google says that access for {one.email} was taken back. Your photos are safe. "
            "Connect it again, and we pick up where we stopped.",
            "Connect Drive again",
            "/creator/sources",
        )
        for one in await session.scalars(query)
    ]


async def _find_broken(session: AsyncSession, user_id: str) -> list[Need]:
    query = select(Source).where(Source.user_id == user_id, Source.state == "broken")
    return [
        Need(
            "failed",
            f"The folder “{one.name}” does not work.",
            str((one.problem or {}).get("detail", "")),
            "Look at the folder",
            f"/creator/sources#{one.id}",
        )
        for one in await session.scalars(query)
    ]


async def _find_failed(session: AsyncSession, user_id: str) -> list[Need]:
    number = await count_edits(session, user_id, Show("failed"), most=_MOST_COUNTED)
    if not number:
        return []
    words = format_most(number, _MOST_COUNTED)
    title = "One photo is not finished." if number == 1 else f"{words} photos are not finished."
    words = "What was not finished does not count against your plan. See why, and try again."
    return [Need("warn", title, words, "See which", "/creator/gallery?show=failed")]


async def _find_waiting(session: AsyncSession, user_id: str) -> list[Need]:
    number = await _count_photos(session, user_id, "waiting")
    if not number:
        return []
    title = "One photo waits" if number == 1 else f"{format_count(number)} photos wait"
    day = get_end(get_period())
    they_are = "It is" if number == 1 else "They are"
    words = f"Your plan is used up. {they_are} edited on {day.day} {day:%B}, or with a larger plan."
    return [Need("warn", f"{title} for your plan.", words, "Plan and usage", "/creator/plan")]


async def _find_backlog(session: AsyncSession, user_id: str) -> list[Need]:
    number = await _count_photos(session, user_id, "backlog")
    if not number:
        return []
    title = (
        "One photo was there before."
        if number == 1
        else f"{format_count(number)} photos were there before."
    )
    words = "They were in the folder when you connected it. Say whether to edit them, too."
    if number == 1:
        words = "It was in the folder when you connected it. Say whether to edit it, too."
    return [Need("warn", title, words, "Decide", "/creator/sources")]


async def _find_skipped(session: AsyncSession, user_id: str) -> list[Need]:
    query = select(func.count(), func.max(Photo.name)).where(
        Photo.user_id == user_id,
        Photo.state == "skipped",
        Photo.skip_code.not_in(_SETTLED_SKIPS),
        Photo.seen_at > get_now() - _RECENT,
    )
    number, name = (await session.execute(query)).one()
    if not number:
        return []
    title = (
        f"One file was skipped: {name}"
        if number == 1
        else f"{format_count(number)} files were skipped."
    )
    return [Need("warn", title, "", "See why", "/creator/skipped")]


async def _count_photos(session: AsyncSession, user_id: str, state: str) -> int:
    query = select(func.count()).select_from(Photo)
    return int(
        await session.scalar(query.where(Photo.user_id == user_id, Photo.state == state)) or 0
    )
