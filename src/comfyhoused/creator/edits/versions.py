"""Which version of its preset an edit is: the one that runs, whatever it was when it was made."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.core.jobs.record import find_job
from comfyhoused.creator.edits.claiming import Claim, hold_edit
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.presets.book import PresetUpgraded
from comfyhoused.creator.presets.parameters import check_parameters, make_parameters_digest
from comfyhoused.creator.tables import Edit


async def note_version(house: CreatorHouse, claim: Claim) -> None:
    """Make a claimed edit one of the version that is about to run, before its job is made.

    Raises PresetUpgraded where the photo has that very edit already, which was paid for;
    PresetUnknown, InvalidPresetParameters.
    """
    async with house.database.begin() as session:
        edit = await hold_edit(session, claim)
    preset = house.presets.get(edit.preset)
    if edit.preset_version == preset.version:
        return
    # A job that is there already runs what it was made of.
    if await find_job(house.resources.store, edit.job_id) is not None:
        return
    async with house.database.begin() as session:
        edit = await hold_edit(session, claim)
        checked = check_parameters(preset, edit.strength, edit.parameters)
        digest = make_parameters_digest(edit.strength, checked)
        if await _has_other(session, edit, preset.version, digest):
            raise PresetUpgraded("The photo was edited with its newer version already.")
        edit.preset_version = preset.version
        edit.parameters, edit.parameters_digest = dict(checked), digest


async def _has_other(session: AsyncSession, edit: Edit, version: str, digest: str) -> bool:
    same = select(Edit.id).where(
        Edit.photo_id == edit.photo_id,
        Edit.preset == edit.preset,
        Edit.preset_version == version,
        Edit.parameters_digest == digest,
        Edit.id != edit.id,
    )
    return await session.scalar(select(same.exists())) or False
