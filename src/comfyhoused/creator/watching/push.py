"""Google's calls: `POST /creator/google/push`. They say that something changed, never what.

The route checks that the call is Google's, rings, and answers; a watcher reads the feed.
"""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.watching.channels import PUSH_PATH, find_connection
from comfyhoused.creator.watching.leases import ring_connection

router = APIRouter(include_in_schema=False)

_LONGEST_HEADER = 256


@router.post(PUSH_PATH)
async def receive_push(
    request: Request,
    x_goog_channel_id: Annotated[str, Header(max_length=_LONGEST_HEADER)] = "",
    x_goog_channel_token: Annotated[str, Header(max_length=_LONGEST_HEADER)] = "",
    x_goog_resource_state: Annotated[str, Header(max_length=_LONGEST_HEADER)] = "",
) -> Response:
    """Ring for the connection of this channel. 404 has Google call no more: it is not ours."""
    house: CreatorHouse = request.app.state.creator
    connection_id = await find_connection(house, x_goog_channel_id, x_goog_channel_token)
    if connection_id is None:
        return Response(status_code=404)
    # `sync` only says that the channel is open.
    if x_goog_resource_state != "sync":
        async with house.database.begin() as session:
            await ring_connection(session, connection_id)
    return Response(status_code=204)
