"""Pictures that come inside a request: a file id, or a data URI."""

import binascii
import re
from base64 import b64decode
from collections.abc import AsyncIterator

from comfyhoused.api.house import ApiHouse, Principal
from comfyhoused.core.files.limits import Limits
from comfyhoused.core.files.receive import receive_file
from comfyhoused.core.files.records import get_file
from comfyhoused.kit.errors import FieldError, Unprocessable

_FILE_ID = re.compile(r"file_[0-9a-z]{4,60}")
_DATA_URI = re.compile(r"data:(image/[a-z+.-]{2,40});base64,")


class PictureUnreadable(Unprocessable):
    """The field is neither a file id nor a data URI with a picture."""

    code = "picture_unreadable"
    title = "That is not a picture we can take"


def make_limits(house: ApiHouse) -> Limits:
    """Return how much of one file is taken."""
    http = house.resources.settings.http
    return Limits(http.max_upload_bytes, http.max_pixels, house.resources.spool_dir)


def carries_picture(text: str | None) -> bool:
    """Tell whether a field carries the picture itself: it then goes when its job is erased."""
    return text is not None and _DATA_URI.match(text) is not None


async def resolve_picture(house: ApiHouse, principal: Principal, text: str, *, pointer: str) -> str:
    """Return the id of the owner's file that a field names or carries.

    Raises PictureUnreadable, FileNotFound and what `receive_file` raises.
    """
    if _FILE_ID.fullmatch(text):
        file = await get_file(house.resources.store, principal.owner, text)
        return file.id
    match = _DATA_URI.match(text)
    if match is None:
        raise _make_error(pointer, "send a file id of POST /files, or data:image/png;base64,…")
    try:
        content = b64decode(text[match.end() :], validate=True)
    except binascii.Error as error:
        raise _make_error(pointer, f"the data URI is not valid base64: {error}") from error
    file = await receive_file(
        house.resources.store,
        house.resources.storage,
        principal.owner,
        _iterate(content),
        match.group(1),
        make_limits(house),
    )
    return file.id


def _make_error(pointer: str, detail: str) -> PictureUnreadable:
    return PictureUnreadable(detail, errors=[FieldError(pointer=pointer, detail=detail)])


async def _iterate(content: bytes) -> AsyncIterator[bytes]:
    yield content
