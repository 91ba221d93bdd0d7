"""The first step: the original comes to us, is made ready for a server, and gets in line."""

from contextlib import suppress
from pathlib import Path

from comfyhoused.adapters.storage.storage import ObjectMissing
from comfyhoused.core.files.records import FileNotFound, get_file
from comfyhoused.core.photos.shapes import PreparedPhoto, PreviewWanted
from comfyhoused.creator.edits.claiming import Claim, LeaseGone, hold_edit
from comfyhoused.creator.edits.inputs import drop_input, is_wanted, keep_input, make_input_id
from comfyhoused.creator.edits.pictures import (
    get_picture,
    make_folder,
    name_preview,
    put_picture,
)
from comfyhoused.creator.edits.work import Work, open_desk, read_work
from comfyhoused.creator.house import CreatorHouse, make_owner
from comfyhoused.creator.sources.folder import SeenFile
from comfyhoused.creator.sources.opening import open_folder
from comfyhoused.creator.tables import Photo

#: Longest sides of what pages show.
PREVIEW, THUMB = 2048, 480


async def ensure_prepared(house: CreatorHouse, claim: Claim) -> Work:
    """Have the photo with us as its server wants it; returns the edit with `prepared_file`.

    Done once for all tries of a job. Raises FileGone, what is wrong with the photo
    (core/photos/errors.py), and what its folder raises.
    """
    async with house.database.begin() as session:
        work = await read_work(session, claim.id)
    if not await _is_prepared(house, work):
        async with open_desk(house) as desk:
            await _prepare(house, claim, work, desk)
        async with house.database.begin() as session:
            work = await read_work(session, claim.id)
    return work


async def bring_original(house: CreatorHouse, work: Work, path: Path) -> None:
    """Write the original to `path`: ours, else its owner's as it is in the folder.

    Raises FileGone where it has other bytes there by now, and what its folder raises.
    """
    if work.edit.original_file is not None:
        with suppress(ObjectMissing):
            await get_picture(house, work.edit.original_file, path)
            return
    photo = work.photo
    seen = SeenFile(
        key=photo.file_key,
        revision=photo.revision,
        name=photo.name,
        size_bytes=photo.size_bytes,
        content_type=photo.content_type,
        folder=photo.folder,
    )
    await open_folder(house, work.source).fetch(seen, path)


async def _is_prepared(house: CreatorHouse, work: Work) -> bool:
    file_id = work.edit.prepared_file
    if file_id is None or file_id != make_input_id(work.edit.job_id):
        return False
    try:
        await get_file(house.resources.store, make_owner(work.user.id), file_id)
    except FileNotFound:
        return False
    return True


async def _prepare(house: CreatorHouse, claim: Claim, work: Work, desk: Path) -> None:
    original, target = desk / "original", desk / "prepared.png"
    await bring_original(house, work, original)
    wanted = [PreviewWanted(desk / "preview", PREVIEW), PreviewWanted(desk / "thumb", THUMB)]
    needs_previews = work.photo.preview_file is None
    prepared = await house.studio.prepare(original, target, wanted if needs_previews else ())
    key = f"{make_folder(work.user.id, work.edit.id)}/{work.edit.round}/original"
    await put_picture(house, key, original, prepared.facts.content_type)
    await keep_input(house, work, target, prepared)
    previews = [
        (name_preview(make_folder(work.user.id, work.photo.id), one.target.name, made), one, made)
        for one, made in zip(wanted, prepared.previews, strict=False)
    ]
    for preview_key, one, made in previews:
        await put_picture(house, preview_key, one.target, made.content_type)
    try:
        await _note_prepared(house, claim, work, prepared, key, [one for one, _, _ in previews])
    except LeaseGone:
        # It was canceled, say, and tidied before this came: nobody looks at these any more.
        if not await is_wanted(house, work.edit.job_id):
            await drop_input(house, work.user.id, work.edit.job_id)
            await house.resources.storage.delete(key)
        raise


async def _note_prepared(
    house: CreatorHouse,
    claim: Claim,
    work: Work,
    prepared: PreparedPhoto,
    key: str,
    previews: list[str],
) -> None:
    async with house.database.begin() as session:
        edit = await hold_edit(session, claim)
        edit.original_file = key
        edit.prepared_file = make_input_id(work.edit.job_id)
        photo = await session.get_one(Photo, edit.photo_id)
        photo.width, photo.height = prepared.facts.width, prepared.facts.height
        if previews:
            photo.preview_file, photo.thumb_file = previews
