"""From a server's output to a finished picture: like its original, with us, and charged."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.adapters.redis.client import StoreUnavailable
from comfyhoused.adapters.storage.storage import ObjectMissing, StorageUnavailable
from comfyhoused.core.files.records import File, FileNotFound, get_file
from comfyhoused.core.jobs.record import find_job
from comfyhoused.core.photos.errors import NameTemplateWrong
from comfyhoused.core.photos.naming import DEFAULT_TEMPLATE, make_name
from comfyhoused.core.photos.shapes import ENDINGS, FinishedPhoto, PreviewWanted
from comfyhoused.creator.edits.claiming import Claim, LeaseGone, hold_edit
from comfyhoused.creator.edits.ending import send_back, take_job_back, tell_end
from comfyhoused.creator.edits.finding import tell_edit
from comfyhoused.creator.edits.inputs import drop_input
from comfyhoused.creator.edits.pictures import (
    get_picture,
    make_folder,
    name_preview,
    put_picture,
)
from comfyhoused.creator.edits.preparing import PREVIEW, THUMB, bring_original
from comfyhoused.creator.edits.rounds import make_due
from comfyhoused.creator.edits.work import Work, open_desk, read_work
from comfyhoused.creator.house import CreatorHouse, make_owner
from comfyhoused.creator.ledger import settle
from comfyhoused.creator.news import tell
from comfyhoused.creator.notifications import notify
from comfyhoused.creator.presets.report import Report, read_report
from comfyhoused.creator.tables import Delivery, Edit
from comfyhoused.creator.words import OPEN_EDIT_STATES
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.ids import make_id

_MOST_REPORT_BYTES = 64_000
#: Delivered by then, as a rule, so that all is tidied at once.
_TIDY_SECONDS = 60


async def finish_edit(house: CreatorHouse, claim: Claim) -> None:
    """Make the result of the output and the original, keep it, charge the unit.

    Where the output is not with us any more the edit goes back in line, for the same unit. Raises
    what is wrong with the photo, FileGone, and what storage and folder raise.
    """
    async with house.database.begin() as session:
        work = await read_work(session, claim.id)
    owner = make_owner(work.user.id)
    try:
        output = await get_file(house.resources.store, owner, str(work.edit.output_file))
        async with open_desk(house) as desk:
            await get_picture(house, output.key, desk / "output")
            await bring_original(house, work, desk / "original")
            await _finish(house, claim, work, desk)
    except (FileNotFound, ObjectMissing):
        await _send_back(house, claim)


async def _finish(house: CreatorHouse, claim: Claim, work: Work, desk: Path) -> None:
    wanted = [PreviewWanted(desk / "preview", PREVIEW), PreviewWanted(desk / "thumb", THUMB)]
    target = desk / "result"
    made = await house.studio.finish(desk / "original", desk / "output", target, wanted)
    folder = f"{make_folder(work.user.id, work.edit.id)}/{work.edit.round}"
    key = f"{folder}/result.{ENDINGS[made.kind][0]}"
    await put_picture(house, key, target, made.content_type)
    previews = []
    for one, preview in zip(wanted, made.previews, strict=True):
        previews.append(name_preview(folder, one.target.name, preview))
        await put_picture(house, previews[-1], one.target, preview.content_type)
    report = await _read_report(house, work)
    try:
        async with house.database.begin() as session:
            edit = await hold_edit(session, claim)
            edit.state = "finished"
            edit.result_file = key
            edit.preview_file, edit.thumb_file = previews
            edit.report = {**report.describe(), "kept": list(made.notes)}
            edit.error = None
            edit.finished_at = func.now()
            make_due(edit, func.now() + timedelta(seconds=_TIDY_SECONDS))
            await settle(session, house.plans, edit.id, edit.round)
            await _add_delivery(session, work, made)
    except LeaseGone:
        await _drop_late(house, work, key)
        raise
    await tell_edit(house, edit)
    if work.source.approves_first:
        await tell(house.resources.store, edit.user_id, "bell", {})


async def _drop_late(house: CreatorHouse, work: Work, key: str) -> None:
    """Remove a result that came after another worker's was delivered, and tidied away."""
    async with house.database.begin() as session:
        edit = await session.get(Edit, work.edit.id)
    is_over = edit is None or edit.state not in OPEN_EDIT_STATES
    if is_over and (edit is None or edit.result_file != key):
        await house.resources.storage.delete(key)


async def _add_delivery(session: AsyncSession, work: Work, made: FinishedPhoto) -> None:
    edit, source = work.edit, work.source
    state = "held" if source.approves_first else "due"
    statement = insert(Delivery).values(
        id=make_id("delivery"),
        user_id=edit.user_id,
        edit_id=edit.id,
        source_id=edit.source_id,
        state=state,
        name=_make_name(work, made),
        next_try_at=func.now() if state == "due" else None,
    )
    await session.execute(statement.on_conflict_do_nothing(index_elements=["edit_id"]))
    if state == "held":
        await notify(
            session,
            edit.user_id,
            "edit_held",
            f"edit_held/{edit.id}",
            f"“{work.photo.name}” is ready for your look",
            "It goes into your folder when you approve it.",
            "/creator/review",
            mail="digest",
        )


def _make_name(work: Work, made: FinishedPhoto) -> str:
    template = work.source.name_template
    for one in (template, DEFAULT_TEMPLATE):
        try:
            return make_name(
                one,
                work.photo.name,
                kind=made.kind,
                preset=work.edit.preset,
                version=work.edit.preset_version,
                strength=work.edit.strength,
                at=get_now(),
            )
        except NameTemplateWrong:  # of before it was checked
            continue
    raise NameTemplateWrong(f"{template!r} makes no name.")


async def _read_report(house: CreatorHouse, work: Work) -> Report:
    """Return what the preset says of the photo; nothing where that is lost."""
    resources = house.resources
    job = await find_job(resources.store, work.edit.job_id)
    texts = []
    for one in job.outputs if job is not None else ():
        if one["kind"] == "text":
            try:
                file = await get_file(
                    resources.store, make_owner(work.user.id), str(one["file_id"])
                )
                texts.append(await _read_text(house, file))
            except (FileNotFound, ObjectMissing):
                continue
    return read_report(texts)


async def _read_text(house: CreatorHouse, file: File) -> str:
    parts = house.resources.storage.read(file.key, end=min(file.size_bytes, _MOST_REPORT_BYTES))
    return b"".join([chunk async for chunk in parts]).decode("utf-8", "replace")


async def _send_back(house: CreatorHouse, claim: Claim) -> None:
    async with house.database.begin() as session:
        edit = await hold_edit(session, claim)
        past_job_id = edit.job_id
        await send_back(session, edit, needs_new_job=True)
    if edit.job_id != past_job_id:  # tidying looks at the present job only
        with suppress(StoreUnavailable, StorageUnavailable):
            await take_job_back(house, edit.user_id, past_job_id)
            await drop_input(house, edit.user_id, past_job_id)
    await tell_end(house, edit)
