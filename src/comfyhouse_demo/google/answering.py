"""Reading a call and answering it: JSON in and out, masks, page sizes and page tokens."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from comfyhouse_demo.google.failures import Refusal, make_invalid
from comfyhouse_demo.google.fields import apply_mask, read_mask

#: What is never written by an app, by the words "Output only" of drive.v3. Ids are of `create`.
READ_ONLY = frozenset(
    {
        "kind",
        "driveId",
        "trashedTime",
        "trashingUser",
        "spaces",
        "version",
        "webContentLink",
        "webViewLink",
        "iconLink",
        "thumbnailLink",
        "hasThumbnail",
        "thumbnailVersion",
        "viewedByMe",
        "owners",
        "teamDriveId",
        "lastModifyingUser",
        "modifiedByMe",
        "ownedByMe",
        "shared",
        "permissions",
        "permissionIds",
        "capabilities",
        "isAppAuthorized",
        "size",
        "quotaBytesUsed",
        "md5Checksum",
        "sha1Checksum",
        "sha256Checksum",
        "headRevisionId",
        "fullFileExtension",
        "fileExtension",
        "exportLinks",
        "explicitlyTrashed",
        "imageMediaMetadata",
        "videoMediaMetadata",
        "linkShareMetadata",
        "labelInfo",
        "resourceKey",
        "hasAugmentedPermissions",
        "sharedWithMeTime",
        "sharingUser",
    }
)


def answer(request: web.Request, document: Mapping[str, Any], default: str = "*") -> web.Response:
    """Return the document as JSON, with what `fields` asks for, or else `default`."""
    mask = read_mask(request.query.get("fields") or default)
    return answer_whole(request, apply_mask(document, mask))


def answer_whole(
    request: web.Request, document: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return the document as it is; it is noted for the log of requests."""
    request["answer"] = document
    return web.json_response(document, status=status, headers=headers)


def answer_refusal(request: web.Request, refusal: Refusal) -> web.Response:
    """Return a refusal as the API words it."""
    headers = {"Retry-After": refusal.retry_after} if refusal.retry_after else {}
    return answer_whole(request, refusal.write(), refusal.status, headers)


async def read_body(request: web.Request) -> dict[str, Any]:
    """Return the JSON object that was sent, {} where there is none; raises Refusal."""
    return read_object(request, await request.read())


def read_object(request: web.Request, content: bytes) -> dict[str, Any]:
    """Return the object that these bytes are; it is noted for the log of requests."""
    if not content.strip():
        return {}
    try:
        document = json.loads(content)
    except ValueError as error:
        raise Refusal(400, "parseError", "Parse Error") from error
    if not isinstance(document, dict):
        raise Refusal(400, "parseError", "Parse Error")
    request["body"] = document
    return document


def check_writable(document: Mapping[str, Any]) -> None:
    """Raise Refusal where the metadata names what only Google sets."""
    if READ_ONLY & set(document):
        message = "The resource body includes fields which are not directly writable."
        raise Refusal(403, "fieldNotWritable", message)


def read_page_size(request: web.Request, largest: int, usual: int = 100) -> int:
    """Return how many are asked for; raises Refusal."""
    text = request.query.get("pageSize", str(usual))
    if not text.isdigit() or not 1 <= int(text) <= 1000:
        raise make_invalid("pageSize", "Invalid value. Values must be within the range: [1, 1000]")
    return min(int(text), largest)


def read_page_token(request: web.Request) -> int:
    """Return the number that a page token is; raises Refusal."""
    text = request.query.get("pageToken", "")
    if not text:
        raise Refusal(400, "required", "Required parameter: pageToken", "pageToken")
    if not text.isdigit():
        raise make_invalid("pageToken")
    return int(text)
