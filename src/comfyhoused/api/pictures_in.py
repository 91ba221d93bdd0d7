"""Pictures that come with a request: uploaded, or named in it by id, address or data URI."""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

from fastapi import Request

from comfyhoused.api.house import ApiHouse, Principal, check_may_work
from comfyhoused.api.uploads import open_upload
from comfyhoused.core.files.data_uris import is_data_uri, parse_data_uri
from comfyhoused.core.files.limits import Limits
from comfyhoused.core.files.receive import receive_file
from comfyhoused.core.files.records import File, FileNotFound, delete_file, get_file
from comfyhoused.core.files.verification import expect_picture
from comfyhoused.kit.errors import ComfyhouseError, FieldError, Unprocessable
from comfyhoused.kit.http.fetch import FetchLimits, open_fetch

_FILE_ID = re.compile(r"file_[0-9a-z]{4,60}")
_HAS_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


class PictureUnreadable(Unprocessable):
    """The field is neither a file id, nor an https address, nor a data URI."""

    code = "picture_unreadable"
    title = "That is not a picture we can take"


def make_limits(house: ApiHouse, principal: Principal | None = None) -> Limits:
    """Return how much of one file is taken, and how long its sender's plan keeps it."""
    http = house.resources.settings.http
    limits = Limits(http.max_upload_bytes, http.max_pixels, house.resources.spool_dir)
    if principal is None:
        return limits
    plan = house.plans.get(principal.plan)
    return replace(limits, keep_seconds=plan.keep_seconds, most_stored_bytes=plan.storage_bytes)


async def take_upload(house: ApiHouse, principal: Principal, request: Request) -> File:
    """Store the picture that a request streams; raises AccountStopped and what receiving does."""
    check_may_work(principal)
    resources, limits = house.resources, make_limits(house, principal)
    async with open_upload(request, max_bytes=limits.max_bytes) as upload:
        return await receive_file(
            resources.store,
            resources.storage,
            principal.owner,
            upload.chunks,
            upload.declared_type,
            limits,
        )


def carries_picture(text: str | None) -> bool:
    """Tell whether a field brings the picture itself: it then goes when its job is erased."""
    return text is not None and _FILE_ID.fullmatch(text) is None


async def resolve_picture(house: ApiHouse, principal: Principal, text: str, *, pointer: str) -> str:
    """Return the id of the owner's file that a field names, or brings and so becomes a file.

    `pointer` is where the field stands in the body; what is wrong with the picture is reported
    there. Raises PictureUnreadable, FileNotFound, DataUriUnreadable, what `open_fetch` raises
    and what `receive_file` raises.
    """
    try:
        return (await _take_picture(house, principal, text)).id
    except ComfyhouseError as error:
        if error.status < 500 and not error.errors:
            error.errors.append(FieldError(pointer=pointer, detail=error.detail))
        raise


async def resolve_pictures(
    house: ApiHouse, principal: Principal, fields: Mapping[str, str]
) -> dict[str, str]:
    """Return pointer → file id for the picture fields of one body, or leave nothing behind.

    `fields` is pointer → text. The same text is taken once. Raises as resolve_picture does.
    """
    taken: dict[str, str] = {}
    try:
        for pointer, text in fields.items():
            if text not in taken:
                taken[text] = await resolve_picture(house, principal, text, pointer=pointer)
    except ComfyhouseError:
        await drop_pictures(house, principal, _list_carried(taken))
        raise
    return {pointer: taken[text] for pointer, text in fields.items()}


async def drop_pictures(house: ApiHouse, principal: Principal, file_ids: Iterable[str]) -> None:
    """Delete files that a request brought and no job came to own."""
    store, storage = house.resources.store, house.resources.storage
    for file_id in file_ids:
        with suppress(FileNotFound):
            await delete_file(store, storage, principal.owner, file_id)


def _list_carried(taken: Mapping[str, str]) -> list[str]:
    """Return the files that were brought, from text → file id."""
    return [file_id for text, file_id in taken.items() if carries_picture(text)]


async def _take_picture(house: ApiHouse, principal: Principal, text: str) -> File:
    if _FILE_ID.fullmatch(text):
        return await get_file(house.resources.store, principal.owner, text)
    if is_data_uri(text):
        return await _take_data_uri(house, principal, text)
    if _HAS_SCHEME.match(text):
        return await _take_from_url(house, principal, text)
    raise PictureUnreadable(
        "Send a file id of POST /files, an https address, or data:image/png;base64,… ."
    )


async def _take_data_uri(house: ApiHouse, principal: Principal, text: str) -> File:
    uri = parse_data_uri(text)
    store, storage = house.resources.store, house.resources.storage
    limits = make_limits(house, principal)
    return await receive_file(
        store, storage, principal.owner, uri.decode(), uri.declared_type, limits
    )


async def _take_from_url(house: ApiHouse, principal: Principal, url: str) -> File:
    limits = make_limits(house, principal)
    seconds = house.resources.settings.outbound.fetch_timeout_seconds
    store, storage = house.resources.store, house.resources.storage
    async with open_fetch(
        house.resources.guard, url, FetchLimits(limits.max_bytes, seconds)
    ) as fetched:
        # What the server calls it is not asked: many call every file octet-stream or text.
        chunks = expect_picture(fetched.chunks)
        return await receive_file(store, storage, principal.owner, chunks, None, limits)
