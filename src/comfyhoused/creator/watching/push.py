"""Google's calls: `POST /creator/google/push`. They say that something changed, never what.

The route checks that the call is Google's, rings, and answers; a watcher reads the feed.
"""

from typing import Annotated

from fastapi import APIRouter, Header, Response

from comfyhoused.creator.visitors import House
from comfyhoused.creator.watching.channels import PUSH_PATH, answer_call
from comfyhoused.kit.errors import Unavailable

router = APIRouter(include_in_schema=False)

_LONGEST_HEADER = 256


@router.post(PUSH_PATH)
async def receive_push(
    house: House,
    x_goog_channel_id: Annotated[str, Header(max_length=_LONGEST_HEADER)] = "",
    x_goog_channel_token: Annotated[str, Header(max_length=_LONGEST_HEADER)] = "",
    x_goog_resource_state: Annotated[str, Header(max_length=_LONGEST_HEADER)] = "",
) -> Response:
    """Ring for the connection of this channel. 404 has Google call no more: it is not ours.

    After 503 Google calls again. Raises CreatorNotSetUp.
    """
    # `sync` only says that the channel is open.
    rings = x_goog_resource_state != "sync"
    try:
        is_ours = await answer_call(house, x_goog_channel_id, x_goog_channel_token, rings=rings)
    except Unavailable:
        return Response(status_code=503)
    return Response(status_code=204 if is_ours else 404)
