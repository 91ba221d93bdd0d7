"""POST /upscale: a picture enlarged in one call."""

from fastapi import APIRouter, Request, Response

from comfyhoused.api.house import House, JobWriter
from comfyhoused.api.schemas import JobResponse, UpscaleRequest
from comfyhoused.api.sync_answer import ANSWERS, IdempotencyKey, Prefer, submit_and_wait

router = APIRouter(tags=["Pictures"])


@router.post("/upscale", responses=ANSWERS)
async def upscale(
    house: House,
    principal: JobWriter,
    body: UpscaleRequest,
    request: Request,
    response: Response,
    prefer: Prefer = None,
    idempotency_key: IdempotencyKey = "",
) -> JobResponse:
    """Enlarge a picture and wait for it. A dropped connection does not cancel the job."""
    return await submit_and_wait(house, principal, body, request, response, prefer, idempotency_key)
