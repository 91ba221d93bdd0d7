"""What a user's home shows, read in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.ledger import get_usage
from comfyhoused.creator.screens.arriving import count_arriving
from comfyhoused.creator.screens.edit_queries import Show, count_edits, list_edits
from comfyhoused.creator.screens.edit_views import EditView
from comfyhoused.creator.screens.needs import Need, list_needs
from comfyhoused.creator.screens.preset_views import list_titles
from comfyhoused.creator.screens.source_views import SourceView, list_sources
from comfyhoused.creator.tables import User
from comfyhoused.creator.usage import Usage
from comfyhoused.kit.clock import get_now
from comfyhoused.web.words import format_most

_FRESH = timedelta(hours=24)
_MOST_FRESH = 3
_MOST_LATELY = 6
_MOST_BENCH = 6
_MOST_COUNTED = 1000
_WORDS = [
    "No",
    "One",
    "Two",
    "Three",
    "Four",
    "Five",
    "Six",
    "Seven",
    "Eight",
    "Nine",
    "Ten",
    "Eleven",
    "Twelve",
]


@dataclass(frozen=True, slots=True)
class Lead:
    """The headline: what happened, and what to do about it."""

    title: str
    words: str = ""
    verb: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Home:
    """All that the home screen shows. `fresh`: at most three pictures, of the last day, or that
    wait for approval.
    """

    lead: Lead
    fresh: Sequence[EditView]
    bench: Sequence[EditView]
    bench_more: int
    needs: Sequence[Need]
    lately: Sequence[EditView]
    folders: Sequence[SourceView]
    usage: Usage

    def describe(self) -> dict[str, Any]:
        """Return it as a template's context."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


async def look_at_home(house: CreatorHouse, user: User) -> Home:
    """Read what the home screen shows."""
    titles = list_titles(house.presets)
    async with house.database.begin() as session:
        ready = await list_edits(
            session, user.id, titles, show=Show("ready"), limit=_MOST_FRESH + _MOST_LATELY
        )
        bench = await list_edits(session, user.id, titles, show=Show("underway"), limit=_MOST_BENCH)
        all_open = await count_edits(session, user.id, Show("underway"))
        to_approve = await count_edits(session, user.id, Show("approve"))
        folders = await list_sources(session, user.id, titles)
        needs = await list_needs(session, user)
        usage = await get_usage(session, house.plans, user)
        new = 0 if to_approve else await _count_new(session, user.id)
        held = await list_edits(session, user.id, titles, show=Show("approve"), limit=_MOST_FRESH)
        arriving = await count_arriving(session, user.id)
    fresh = [one for one in ready.items if _is_fresh(one)][:_MOST_FRESH]
    kept = {one.id for one in fresh}
    lately = [one for one in ready.items if one.id not in kept][:_MOST_LATELY]
    lead = _make_lead(folders, to_approve, new, fresh, all_open, arriving)
    if not folders and ready.items:
        lead = replace(lead, title="No folder is watched now")
    more = max(0, all_open - len(bench.items))
    hung = held.items or fresh
    if held.items:
        lately = list(ready.items[:_MOST_LATELY])
    return Home(lead, hung, bench.items, more, needs, lately, folders, usage)


async def _count_new(session: AsyncSession, user_id: str) -> int:
    lately = Show("ready", since=get_now() - _FRESH)
    return await count_edits(session, user_id, lately, most=_MOST_COUNTED)


def _is_fresh(edit: EditView) -> bool:
    return edit.finished_at is not None and edit.finished_at > get_now() - _FRESH


def _make_lead(
    folders: Sequence[SourceView],
    to_approve: int,
    new: int,
    fresh: Sequence[EditView],
    all_open: int,
    arriving: int,
) -> Lead:
    if not folders:
        words = "Connect a folder and choose a preset. It takes about two minutes."
        return Lead("Let’s set up your first folder", words, "Connect a folder", "/creator/welcome")
    if to_approve:
        title = f"{_count(to_approve, 'picture waits', 'pictures wait')} for your yes"
        words = "Look through them: approve what should go into your folder."
        return Lead(title, words, "Look through them", "/creator/review")
    if new:
        title = f"{_count(new, 'new picture is', 'new pictures are')} ready"
        words = _name(fresh, new)
        return Lead(title, words, "Look through them", "/creator/gallery?show=ready")
    if all_open:
        title = f"{_count(all_open, 'photo is', 'photos are')} on the bench"
        words = "It comes back into your folder when it is finished."
        if all_open > 1:
            words = "They come back into your folder as each is finished."
        return Lead(title, words)
    if arriving:
        title = f"{_count(arriving, 'photo is', 'photos are')} on the way"
        return Lead(title, "Into your folder first, then on the bench. It takes some seconds.")
    if any(one.state == "active" for one in folders):
        words = "Put a photo into your folder: it is edited as it arrives."
        return Lead("Nothing new today", words)
    if all(one.state == "paused" for one in folders):
        title = "Your folder is paused" if len(folders) == 1 else "Your folders are paused"
        return Lead(title, "New photos wait until you go on.", "Open folders", "/creator/sources")
    return Lead("Nothing new today")


def _count(number: int, one: str, many: str) -> str:
    word = _WORDS[number] if number < len(_WORDS) else format_most(number, _MOST_COUNTED)
    return f"{word} {one if number == 1 else many}"


def _name(fresh: Sequence[EditView], new: int) -> str:
    """Return what the new ones are, and where: `Mug, Bowls and 4 more. They are in your folder…`"""
    names = [one.title for one in fresh[:2]]
    rest = new - len(names)
    if rest == 1 and len(fresh) > 2:
        names.append(fresh[2].title)
    elif rest > 0:
        names.append(f"{format_most(rest, _MOST_COUNTED - len(names))} more")
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    is_there = all(one.delivery == "delivered" for one in fresh)
    where = "In your folder, too." if is_there else "On the way to your folder."
    return f"{listed}. {where}"
