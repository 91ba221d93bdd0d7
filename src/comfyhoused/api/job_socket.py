"""WS /jobs/{id}/ws: what /jobs/{id}/events tells, for those who prefer a WebSocket.

Each message is a JSON object with `id` (null for what comes only live), `type` and `data`.
`?after=ID` goes on behind an event. A browser, which cannot send headers here, puts a client
token into the address: `?token=ct_…`.
"""

import asyncio
import re
from contextlib import suppress

from fastapi import APIRouter, WebSocket
from fastapi.security import HTTPAuthorizationCredentials
from fastapi.security.utils import get_authorization_scheme_param
from starlette.websockets import WebSocketDisconnect

from comfyhoused.adapters.redis.client import StoreUnavailable
from comfyhoused.api.house import ApiHouse, check_scope, get_follower
from comfyhoused.api.problems import make_response
from comfyhoused.core.jobs.events import follow_job
from comfyhoused.core.jobs.record import Job, get_job
from comfyhoused.kit.errors import ComfyhouseError, FieldError, Unprocessable

_OUTAGE_PAUSE_SECONDS = 0.5
_EVENT_ID = re.compile(r"[0-9]{1,19}-[0-9]{1,19}")


class PositionUnreadable(Unprocessable):
    """`after` is not the id of an event that was sent."""

    code = "position_unreadable"
    title = "That is not the id of an event"


router = APIRouter(prefix="/jobs")


@router.websocket("/{job_id}/ws", name="follow_job")
async def follow_my_job_by_socket(socket: WebSocket, job_id: str) -> None:
    """Send what happens to a job until it is over; a refusal comes as a problem document."""
    house: ApiHouse = socket.app.state.house
    try:
        job = await _find_job(house, socket, job_id)
        after = _read_position(socket.query_params.get("after"))
    except ComfyhouseError as error:
        await socket.send_denial_response(make_response(socket, error))
        return
    await socket.accept()
    sending = asyncio.create_task(_send_events(house, socket, job.id, after))
    hearing = asyncio.create_task(_hear_end(socket))
    try:
        await asyncio.wait((sending, hearing), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sending, hearing):
            task.cancel()
        await asyncio.gather(sending, hearing, return_exceptions=True)


async def _find_job(house: ApiHouse, socket: WebSocket, job_id: str) -> Job:
    scheme, shown = get_authorization_scheme_param(socket.headers.get("authorization"))
    credentials = None
    if scheme.lower() == "bearer" and shown:
        credentials = HTTPAuthorizationCredentials(scheme=scheme, credentials=shown)
    principal = await get_follower(house, socket, credentials, socket.query_params.get("token"))
    check_scope(socket, principal, "jobs:read")
    return await get_job(house.resources.store, principal.owner, job_id)


def _read_position(text: str | None) -> str:
    if text is None:
        return "-"
    if not _EVENT_ID.fullmatch(text):
        detail = "after is the id of an event, such as 1732270000000-0"
        raise PositionUnreadable(detail, errors=[FieldError(detail=detail)])
    return text


async def _send_events(house: ApiHouse, socket: WebSocket, job_id: str, after: str) -> None:
    with suppress(WebSocketDisconnect):
        while True:
            try:
                async for event in follow_job(
                    house.resources.store, house.hub, job_id, after=after
                ):
                    if event is None:
                        continue  # the protocol's own pings tell that the line is alive
                    after = event.id or after
                    await socket.send_json({"id": event.id, "type": event.type, "data": event.data})
            except StoreUnavailable:
                await asyncio.sleep(_OUTAGE_PAUSE_SECONDS)
            else:
                await socket.close()
                return


async def _hear_end(socket: WebSocket) -> None:
    """Read until the other side has gone: nothing is expected of it."""
    with suppress(WebSocketDisconnect):
        while True:
            await socket.receive_text()
