"""/health, /ready and /metrics, for load balancers and Prometheus. No key is needed."""

from typing import Literal

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, Field

from comfyhoused.api.house import ApiHouse, House
from comfyhoused.api.metrics import render_metrics
from comfyhoused.core.fleet.backends import BackendStatus, list_statuses
from comfyhoused.kit.crypto import make_digest
from comfyhoused.kit.errors import Unavailable

router = APIRouter(tags=["Operations"])


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class BackendReadiness(BaseModel):
    """One ComfyUI server, as a worker last saw it."""

    id: str
    state: Literal["ready", "unreachable", "stuck"]
    version: str
    modes: list[Literal["live", "test"]]
    guarantee: Literal["fence", "lease"] = Field(
        description="fence: the server itself refuses a doubled attempt (our node pack is there)"
    )


class Readiness(BaseModel):
    """What works. Jobs are accepted while `store` and `storage` are up, backends or not."""

    status: Literal["ready", "degraded", "down"]
    store: bool
    storage: bool
    backends: list[BackendReadiness]


@router.get("/health")
async def get_health() -> Health:
    """Say that the process is alive."""
    return Health()


@router.get("/ready", responses={503: {"model": Readiness, "description": "Not ready"}})
async def get_readiness(house: House, response: Response) -> Readiness:
    """Say what works: 503 while jobs cannot be accepted, `degraded` while they can only wait."""
    readiness = await _look(house)
    response.status_code = 503 if readiness.status == "down" else 200
    return readiness


async def _look(house: ApiHouse) -> Readiness:
    try:
        await house.resources.storage.check()
        storage = True
    except Unavailable:
        storage = False
    try:
        statuses = await list_statuses(house.resources.store)
    except Unavailable:
        return Readiness(status="down", store=False, storage=storage, backends=[])
    is_any_ready = any(status.is_ready for status in statuses)
    return Readiness(
        status="down" if not storage else "ready" if is_any_ready else "degraded",
        store=True,
        storage=storage,
        backends=[
            BackendReadiness(
                id=_name(house, status),
                state=status.state if status.is_ready else _as_unready(status.state),
                version=status.version,
                modes=list(status.modes),
                guarantee=status.guarantee,
            )
            for status in statuses
        ],
    )


def _name(house: ApiHouse, status: BackendStatus) -> str:
    """In production strangers need not know where a server stands."""
    if house.resources.settings.house.mode == "development" or status.is_engine:
        return status.id
    return f"server-{make_digest(status.id)[:8]}"


def _as_unready(
    state: Literal["ready", "unreachable", "stuck"],
) -> Literal["unreachable", "stuck"]:
    return "stuck" if state == "stuck" else "unreachable"


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Prometheus text"}},
)
async def get_metrics(house: House) -> Response:
    """Give figures for Prometheus."""
    return Response(await render_metrics(house.resources.store), media_type=CONTENT_TYPE_LATEST)
