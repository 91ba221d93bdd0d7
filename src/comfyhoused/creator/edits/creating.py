"""From a photo to an edit: the row, its job's id and the unit that is reserved, in one step."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.edits.finding import get_edit, tell_edit
from comfyhoused.creator.edits.rounds import begin_round
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.ledger import OverageCapReached, PlanUsedUp, reserve
from comfyhoused.creator.presets.book import PresetUnknown
from comfyhoused.creator.presets.parameters import (
    InvalidPresetParameters,
    check_parameters,
    make_parameters_digest,
)
from comfyhoused.creator.tables import Edit, Photo, Source
from comfyhoused.kit.ids import make_id, make_job_id


async def create_edit(
    session: AsyncSession,
    house: CreatorHouse,
    photo: Photo,
    preset: str,
    strength: int,
    parameters: Mapping[str, Any],
) -> Edit:
    """Return the edit of this photo with this preset, version, strength and parameters.

    Made where there is none: its unit is reserved in the same transaction. One that is there is
    returned as it stands, whatever its state; it is never charged twice. Raises what
    `check_parameters` raises, PlanUsedUp and OverageCapReached: then nothing was written, and
    the transaction may go on. Tell it (`tell_edit`) after the commit.
    """
    chosen = house.presets.get(preset)
    checked = check_parameters(chosen, strength, parameters)
    digest = make_parameters_digest(strength, checked)
    values = {
        "id": make_id("edit"),
        "user_id": photo.user_id,
        "photo_id": photo.id,
        "source_id": photo.source_id,
        "preset": chosen.name,
        "preset_version": chosen.version,
        "strength": strength,
        "parameters": checked,
        "parameters_digest": digest,
        "job_id": make_job_id(),
    }
    identity = ("photo_id", "preset", "preset_version", "parameters_digest")
    async with session.begin_nested():
        statement = insert(Edit).values(values).on_conflict_do_nothing(index_elements=identity)
        edit: Edit | None = await session.scalar(statement.returning(Edit))
        if edit is not None:
            await reserve(session, house.plans, edit.user_id, edit.id, edit.round)
            return edit
    same = [getattr(Edit, name) == values[name] for name in identity]
    return (await session.scalars(select(Edit).where(*same))).one()


async def edit_photo(
    session: AsyncSession, house: CreatorHouse, photo: Photo, source: Source
) -> Edit | None:
    """Edit a whole photo as its source says, in the transaction that has found it to be whole.

    The photo becomes `complete`; where its owner's plan has no unit left it becomes `waiting`, and
    None is returned: `begin_waiting` edits it when there are units again. Where the
    preset is gone, or takes other parameters by now, it becomes `skipped`.
    """
    try:
        edit = await create_edit(
            session, house, photo, source.preset, source.strength, source.parameters
        )
    except (PlanUsedUp, OverageCapReached):
        photo.state = "waiting"
        return None
    except (PresetUnknown, InvalidPresetParameters) as error:
        photo.state = "skipped"
        photo.skip_code, photo.skip_detail = error.code, error.detail
        return None
    photo.state = "complete"
    photo.complete_at = photo.complete_at or func.now()
    return edit


async def reedit(
    house: CreatorHouse,
    user_id: str,
    edit_id: str,
    preset: str,
    strength: int,
    parameters: Mapping[str, Any],
) -> Edit:
    """Edit the photo of this edit in another way; the same way is the same edit, charged once.

    An edit of that kind that has failed or was canceled is tried again. Raises EditNotFound and
    what `create_edit` raises.
    """
    async with house.database.begin() as session:
        first = await get_edit(session, user_id, edit_id)
        photo = await session.get_one(Photo, first.photo_id)
        edit = await create_edit(session, house, photo, preset, strength, parameters)
        if edit.state in ("failed", "canceled"):
            edit = await get_edit(session, user_id, edit.id, is_locked=True)
            await begin_round(session, house, edit)
    await tell_edit(house, edit)
    return edit
