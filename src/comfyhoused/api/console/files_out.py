"""Files of ours, given to a browser from our own address wherever they are stored."""

from collections.abc import Collection

from fastapi.responses import Response, StreamingResponse

from comfyhoused.api.house import ApiHouse
from comfyhoused.core.files.content_types import is_shown_inline, make_safe_type
from comfyhoused.core.files.records import FileNotFound, find_file


async def give_file(house: ApiHouse, owners: Collection[str], file_id: str) -> Response:
    """Return the bytes of a file of one of the owners; raises FileNotFound."""
    file = await find_file(house.resources.store, file_id)
    if file is None or file.owner not in owners:
        raise FileNotFound("It may have expired.")
    content_type = make_safe_type(file.content_type)
    disposition = "inline" if is_shown_inline(content_type) else "attachment"
    headers = {
        "Content-Length": str(file.size_bytes),
        "Content-Disposition": disposition,
        "Cache-Control": "private, max-age=3600",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    chunks = house.resources.storage.read(file.key)
    return StreamingResponse(chunks, media_type=content_type, headers=headers)
