"""Picking folders and photos in Google's own window: what is picked there is given to us.

It is a walk through Google like the others, and it works on phones. What was picked is tried at
once with the Drive that is connected: somebody may have picked as another account.
"""

import asyncio
from typing import Literal, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import or_, select

from comfyhoused.adapters.google.documents import DriveFile
from comfyhoused.adapters.google.drive import Drive
from comfyhoused.adapters.google.errors import DriveFileMissing, DriveForbidden, DriveNotGranted
from comfyhoused.adapters.google.grants import DRIVE_FILE
from comfyhoused.creator.connecting import ConnectionUnknown, check_own_page, find_connection
from comfyhoused.creator.edits.creating import edit_photo
from comfyhoused.creator.edits.finding import tell_edit
from comfyhoused.creator.flows import Flow, make_flow
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.intake import Look, take_in
from comfyhoused.creator.news import tell
from comfyhoused.creator.next_page import check_next
from comfyhoused.creator.sign_in import get_callback_url, send_to_google
from comfyhoused.creator.sources.drive import make_seen
from comfyhoused.creator.sources.folder import SeenFile
from comfyhoused.creator.sources.opening import open_drive
from comfyhoused.creator.sources.sources import get_source
from comfyhoused.creator.tables import Photo, Source
from comfyhoused.creator.visitors import SignedInUser, Visitor
from comfyhoused.creator.watching.leases import ring_source
from comfyhoused.kit.errors import Conflict

router = APIRouter(prefix="/creator/google", include_in_schema=False)

_FOLDER = "application/vnd.google-apps.folder"
#: Google's window takes whole names only. Phones send HEIC photos as `application/octet-stream`.
_PHOTOS = (
    "image/jpeg,image/png,image/webp,image/tiff,image/heic,image/heif,application/octet-stream"
)
_AT_ONCE = 8
#: Photos that were passed by for these reasons are edited when they are picked.
_PICKED_AFTER_ALL = ("file_gone", "backlog_not_chosen")


class PickedElsewhere(Conflict):
    """What was picked is not given to the Drive that is connected: another account, most likely."""

    code = "picked_elsewhere"
    title = "We cannot see what you picked"


class NothingPicked(Conflict):
    """Google led back without anything picked."""

    code = "nothing_picked"
    title = "Nothing was picked"


class SourcePaused(Conflict):
    """The folder takes in no photos for now, as its owner has said."""

    code = "source_paused"
    title = "This folder is paused"


class Picked(NamedTuple):
    """What was given to us of what was picked, and how many were not."""

    files: tuple[DriveFile, ...]
    missing: int


@router.get("/pick-folder")
async def go_and_pick_folder(visitor: SignedInUser, connection: str, next: str = "") -> Response:  # noqa: A002
    """Have a folder picked; leads on to `next` with `picked=<id>` and `name=<its name>`."""
    return await _go(visitor, connection, "", check_next(next))


@router.get("/pick-photos")
async def go_and_pick_photos(visitor: SignedInUser, source: str, next: str = "") -> Response:  # noqa: A002
    """Have photos picked that a source is to edit; leads on to `next`, which says how many.

    Raises SourcePaused.
    """
    async with visitor.house.database.begin() as session:
        row = await get_source(session, visitor.user.id, source)
    if row.state == "paused":
        raise SourcePaused("Go on with it first.")
    return await _go(visitor, row.connection_id or "", row.id, check_next(next))


async def finish_picking(
    house: CreatorHouse, flow: Flow, code: str, ids: tuple[str, ...]
) -> Response:
    """Try what was picked with the Drive that is connected.

    Raises NothingPicked, PickedElsewhere.
    """
    # The answer completes the gift; its token is worth an hour and is not kept.
    await house.google.accounts.exchange(code, flow.verifier, get_callback_url(house))
    if not ids:
        raise NothingPicked("Begin again, mark what you mean, and confirm.")
    connection_id, _, source_id = flow.about.partition(" ")
    if await find_connection(house, flow.user_id, connection_id) is None:
        raise ConnectionUnknown("It may have been disconnected.")
    picked = await verify_picked(open_drive(house, connection_id), ids)
    if not picked.files:
        raise PickedElsewhere(
            "You may have picked as another Google account than the one that is connected here."
        )
    if not source_id:
        (folder, *_) = picked.files
        return _lead_on(flow, picked=folder.id, name=folder.name)
    async with house.database.begin() as session:
        source = await get_source(session, flow.user_id, source_id)
    taken = await take_in_picked(house, source, picked.files)
    return _lead_on(flow, missing=str(picked.missing), said="picked-many", n=str(taken))


async def verify_picked(drive: Drive, ids: tuple[str, ...]) -> Picked:
    """Return what we really see of what was picked: one that is not given to us is missing."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def look(file_id: str) -> DriveFile | None:
        async with slots:
            try:
                file = await drive.get_file(file_id)
            except (DriveFileMissing, DriveNotGranted, DriveForbidden):
                return None
        return None if file.is_trashed else file

    found = await asyncio.gather(*(look(file_id) for file_id in dict.fromkeys(ids)))
    files = tuple(file for file in found if file is not None)
    return Picked(files, len(found) - len(files))


async def take_in_picked(house: CreatorHouse, source: Source, files: tuple[DriveFile, ...]) -> int:
    """Have a source edit photos that may lie anywhere; returns how many are taken.

    They are edited at once: the watchers look into the folder only. One that is still being
    written, by its look, is left to them.
    """
    seen = [make_seen(file, "") for file in files if not file.is_folder]
    async with house.database.begin() as session:
        await take_in(session, source.id, Look(seen))
        await ring_source(session, source.id, house.settings.settle_look_seconds)
    taken = [await _edit_picked(house, source.id, one) for one in seen]
    return sum(taken)


async def _edit_picked(house: CreatorHouse, source_id: str, seen: SeenFile) -> bool:
    """Edit one photo; False where it cannot be, or was before."""
    if not seen.is_whole or seen.size_bytes == 0:
        return False
    async with house.database.begin() as session:
        source = await session.get_one(Source, source_id, with_for_update={"key_share": True})
        query = select(Photo).where(
            Photo.source_id == source_id,
            Photo.file_key == seen.key,
            Photo.revision == seen.revision,
            or_(Photo.state.in_(("seen", "backlog")), Photo.skip_code.in_(_PICKED_AFTER_ALL)),
        )
        photo = await session.scalar(query.with_for_update())
        if photo is None:
            return False
        photo.skip_code = photo.skip_detail = None
        edit = await edit_photo(session, house, photo, source)
    if edit is not None:
        await tell_edit(house, edit)
    else:
        await tell(house.resources.store, source.user_id, "photos.changed", {})
    return True


async def _go(visitor: Visitor, connection_id: str, source_id: str, next_path: str) -> Response:
    check_own_page(visitor)
    house = visitor.house
    connection = await find_connection(house, visitor.user.id, connection_id)
    if connection is None:
        raise ConnectionUnknown("Connect Google Drive first.")
    about = f"{connection.id} {source_id}"
    flow = make_flow("pick", next_path, visitor.user.id, about)
    url = house.google.accounts.make_url_at(
        house.google.settings.google_picker_url,
        state=flow.state,
        verifier=flow.verifier,
        redirect_uri=get_callback_url(house),
        # Google wants this one alone where files are picked.
        scope=DRIVE_FILE,
        prompt="consent",
        trigger_onepick="true",
        login_hint=connection.email,
        **_describe("photos" if source_id else "folder"),
    )
    return send_to_google(visitor.request, house, flow, url)


def _describe(what: Literal["folder", "photos"]) -> dict[str, str]:
    if what == "folder":
        return {"allow_folder_selection": "true", "mimetypes": _FOLDER}
    return {"allow_multiple": "true", "mimetypes": _PHOTOS}


def _lead_on(flow: Flow, **values: str) -> Response:
    separator = "&" if "?" in flow.next else "?"
    return RedirectResponse(f"{flow.next}{separator}{urlencode(values)}", status_code=303)
