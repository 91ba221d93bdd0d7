"""/creator/welcome: connect a folder in three steps. Further folders are connected the same way.

    1  where the photos are: folders of a Drive or of this house's disk, chosen or made
    2  a preset: then the source is stored
    3  what lies in the folder already: how many, what it would use and cost

What was chosen travels in the address from step 1 to 2, and is tried again when it is stored.
"""

from dataclasses import replace
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from comfyhoused.creator.connecting import ConnectionUnknown, find_connection
from comfyhoused.creator.onboarding import choose_backlog, connect_folder, offer_backlog
from comfyhoused.creator.places import (
    FolderPair,
    choose_drive_folders,
    choose_local_folders,
    list_places,
    look_into_drive,
    make_drive_folders,
)
from comfyhoused.creator.probing import look_for_drop, probe_connection
from comfyhoused.creator.screens.pages import go_to, render_screen
from comfyhoused.creator.screens.preset_views import list_titles, read_choice, view_presets
from comfyhoused.creator.screens.said import say_at
from comfyhoused.creator.screens.source_views import SourceView, list_sources
from comfyhoused.creator.sources.sources import SourceNotFound
from comfyhoused.creator.visitors import SignedInUser, Visitor
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.errors import ComfyhouseError, InvalidRequest

router = APIRouter(prefix="/creator/welcome", include_in_schema=False)

_PAGE = "/creator/welcome"
_LONGEST_NAME = 200
Field = Annotated[str, Form()]


class InstantInvalid(InvalidRequest):
    """The page says no time since when it looks for a photo."""

    code = "instant_invalid"
    title = "The page is not one of ours"


@router.get("")
async def show_welcome(
    visitor: SignedInUser,
    kind: str = "",
    connection: str = "",
    raw: str = "",
    edited: str = "",
    name: str = "",
    picked: str = "",
) -> Response:
    """Show step 1; with a pair of folders in the address, step 2."""
    if raw and edited:
        pair = FolderPair(kind, name, raw, edited, connection or None)
        return await _show_presets(visitor, pair)
    return await _show_places(visitor, connection=connection, picked=picked, picked_name=name)


@router.get("/drive/{connection_id}")
async def show_drive(visitor: SignedInUser, connection_id: str, key: str = "") -> Response:
    """Show the folders of a Drive that we may look through."""
    await _check_connection(visitor, connection_id)
    choice = await look_into_drive(visitor.house, connection_id, key)
    return await render_screen(
        visitor, "welcome_drive.html", connection_id=connection_id, choice=choice
    )


@router.post("/folders")
async def take_folders(
    visitor: SignedInUser,
    kind: Field = "",
    connection: Field = "",
    raw: Field = "",
    name: Field = "",
    token: Field = "",
) -> Response:
    """Take a folder that was chosen, or make both; leads on to step 2."""
    visitor.check_form(token)
    try:
        pair = await _find_pair(visitor, kind, connection, raw, name=name)
    except ComfyhouseError as fault:
        return await _show_places(visitor, connection=connection, fault=fault)
    fields = {"kind": kind, "raw": pair.raw_key, "edited": pair.edited_key, "name": pair.name}
    if pair.connection_id:
        fields["connection"] = pair.connection_id
    return go_to(f"{_PAGE}?{urlencode(fields)}")


@router.post("/source")
async def store_source(visitor: SignedInUser, request: Request) -> Response:
    """Store the source of the folders and the preset that were chosen; leads on to step 3."""
    form = await request.form()
    house, user = visitor.house, visitor.user
    visitor.check_form(str(form.get("token", "")))
    kind, connection, raw, edited, name = (
        str(form.get(field, "")) for field in ("kind", "connection", "raw", "edited", "name")
    )
    try:
        pair = await _find_pair(visitor, kind, connection, raw, edited=edited)
        pair = replace(pair, name=name.strip()[:_LONGEST_NAME] or pair.name)
        choice = read_choice(form, house.presets)
        async with house.database.begin() as session:
            source = await connect_folder(
                session, house, user, pair, choice.preset, choice.strength, choice.parameters
            )
    except ComfyhouseError as fault:
        pair = FolderPair(kind, name, raw, edited, connection or None)
        return await _show_presets(visitor, pair, fault)
    return go_to(f"{_PAGE}/{source.id}")


@router.get("/{source_id}")
async def show_backlog(visitor: SignedInUser, source_id: str, since: str = "") -> Response:
    """Show step 3: what lies in the folder, once it was looked through, and how photos come in.

    `since`: the time of a form that has asked whether a photo is seen that was put there then.
    """
    house, user = visitor.house, visitor.user
    source = await _get_source(visitor, source_id)
    async with house.database.begin() as session:
        offer = await offer_backlog(session, house, user, source_id)
    probe = None
    if source.connection_id is not None and source.state == "active" and offer.is_counted:
        probe = await probe_connection(house, source.connection_id)
    drop = await look_for_drop(house, user.id, source_id, _read(since)) if since else None
    return await render_screen(
        visitor,
        "welcome_backlog.html",
        source=source,
        offer=offer,
        probe=probe,
        drop=drop,
        since=since or get_now().isoformat(),
    )


@router.post("/{source_id}/backlog")
async def decide_backlog(
    visitor: SignedInUser, source_id: str, choice: Field = "", token: Field = ""
) -> Response:
    """Edit what lies there or leave it (`edit`, `leave`); that was the last step."""
    visitor.check_form(token)
    is_wanted = choice == "edit"
    async with visitor.house.database.begin() as session:
        count = await choose_backlog(session, visitor.user, source_id, is_wanted=is_wanted)
    words = "connected" if not count else "backlog" if is_wanted else "backlog-skip"
    return go_to(say_at("/creator/home", words))


async def _find_pair(
    visitor: Visitor, kind: str, connection: str, raw: str, *, edited: str = "", name: str = ""
) -> FolderPair:
    """Return the folders, tried with the user's own access; those that are missing are made."""
    house, user = visitor.house, visitor.user
    if kind == "local":
        return await choose_local_folders(house, user, raw, edited)
    await _check_connection(visitor, connection)
    if not raw:
        return await make_drive_folders(house, user.id, connection, name)
    return await choose_drive_folders(house, user.id, connection, raw, edited)


async def _check_connection(visitor: Visitor, connection_id: str) -> None:
    if await find_connection(visitor.house, visitor.user.id, connection_id) is None:
        raise ConnectionUnknown("Connect Google Drive first.")


async def _show_places(
    visitor: Visitor,
    *,
    connection: str = "",
    picked: str = "",
    picked_name: str = "",
    fault: ComfyhouseError | None = None,
) -> Response:
    places = await list_places(visitor.house, visitor.user)
    return await render_screen(
        visitor,
        "welcome.html",
        status_code=fault.status if fault else 200,
        where=places,
        connection=connection,
        picked=picked,
        picked_name=picked_name,
        fault=fault,
    )


async def _show_presets(
    visitor: Visitor, pair: FolderPair, fault: ComfyhouseError | None = None
) -> Response:
    return await render_screen(
        visitor,
        "welcome_preset.html",
        status_code=fault.status if fault else 200,
        pair=pair,
        presets=view_presets(visitor.house.presets),
        fault=fault,
    )


async def _get_source(visitor: Visitor, source_id: str) -> SourceView:
    titles = list_titles(visitor.house.presets)
    async with visitor.house.database.begin() as session:
        sources = await list_sources(session, visitor.user.id, titles)
    for source in sources:
        if source.id == source_id:
            return source
    raise SourceNotFound("It may have been removed.")


def _read(instant: str) -> datetime:
    try:
        read = datetime.fromisoformat(instant)
    except ValueError as error:
        raise InstantInvalid("Load the page again.") from error
    if read.tzinfo is None:
        raise InstantInvalid("Load the page again.")
    return read
