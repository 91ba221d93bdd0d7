"""POST /upscale: a picture enlarged in one call."""

from fastapi import APIRouter, Request, Response

from comfyhoused.api.house import House, JobWriter
from comfyhoused.api.job_requests import UpscaleRequest
from comfyhoused.api.job_responses import JobResponse
from comfyhoused.api.submitting import ANSWERS, IdempotencyKey, Prefer, submit_and_wait

router = APIRouter(tags=["Pictures"])


@router.post("/upscale", response_model=JobResponse, responses=ANSWERS)
async def upscale(
    house: House,
    principal: JobWriter,
    body: UpscaleRequest,
    request: Request,
    response: Response,
    prefer: Prefer = None,
    idempotency_key: IdempotencyKey = "",
) -> JobResponse | Response:
    """Enlarge a picture and wait for it. A dropped connection does not cancel the job."""
    return await submit_and_wait(house, principal, body, request, response, prefer, idempotency_key)
