"""The steps from signing in to the first edit: a folder, a preset, and what lies there already.

A source exists once folder and preset are chosen. What lay in its folder before is counted by the
watchers at their first look, and is edited only if its owner says so: first they are told what it
would use and cost.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.ledger import get_usage
from comfyhoused.creator.places import FolderPair, make_new_source
from comfyhoused.creator.presets.parameters import check_parameters
from comfyhoused.creator.sources.sources import create_source
from comfyhoused.creator.tables import Source, User
from comfyhoused.creator.usage import Usage
from comfyhoused.creator.users import finish_onboarding
from comfyhoused.creator.watching.backlog import Backlog, count_backlog, edit_backlog, leave_backlog


@dataclass(frozen=True, slots=True)
class BacklogOffer:
    """What editing the photos that are there already would use and cost.

    `is_counted` is False while the folder is still looked through. `included` would come out of
    the plan's `left` edits, `beyond` be paid for with `cost_cents`, `waiting` wait for another
    month or a larger plan.
    """

    is_counted: bool
    count: int
    left: int
    included: int
    beyond: int
    cost_cents: int
    waiting: int

    @property
    def is_asked(self) -> bool:
        """Whether there is anything to ask."""
        return self.is_counted and self.count > 0


async def connect_folder(
    session: AsyncSession,
    house: CreatorHouse,
    user: User,
    pair: FolderPair,
    preset: str,
    strength: int,
    parameters: Mapping[str, Any],
) -> Source:
    """Store a source of two folders; from now on photos in it are edited.

    Raises PresetUnknown, InvalidPresetParameters, SourceTaken, SourceRefused.
    """
    checked = check_parameters(house.presets.get(preset), strength, parameters)
    return await create_source(session, user.id, make_new_source(pair, preset, strength, checked))


async def offer_backlog(
    session: AsyncSession, house: CreatorHouse, user: User, source_id: str
) -> BacklogOffer:
    """Return what editing the photos that are there already would mean; raises SourceNotFound."""
    backlog = await count_backlog(session, user.id, source_id)
    return make_offer(backlog, await get_usage(session, house.plans, user))


async def choose_backlog(
    session: AsyncSession, user: User, source_id: str, *, is_wanted: bool
) -> int:
    """Edit the photos that are there already, or leave them; ends the onboarding.

    Returns how many it is about. Raises SourceNotFound.
    """
    decide = edit_backlog if is_wanted else leave_backlog
    count = await decide(session, user.id, source_id)
    await finish_onboarding(session, user.id)
    return count


def make_offer(backlog: Backlog, usage: Usage) -> BacklogOffer:
    """Return the offer for so many photos at this point of the month."""
    included = min(backlog.count, usage.left)
    beyond = min(backlog.count - included, usage.allowance - usage.left)
    return BacklogOffer(
        is_counted=backlog.is_counted,
        count=backlog.count,
        left=usage.left,
        included=included,
        beyond=beyond,
        cost_cents=beyond * (usage.plan.overage_cents or 0),
        waiting=backlog.count - included - beyond,
    )
