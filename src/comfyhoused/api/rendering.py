"""A job as the API shows it. Links are signed when it is read."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from comfyhoused.adapters.storage.storage import ObjectMissing
from comfyhoused.api.back_office import BackOffice
from comfyhoused.api.charging import count_charge
from comfyhoused.api.job_responses import Cost, ImageResponse, JobResponse, OutputResponse, Timings
from comfyhoused.api.quota import find_remaining
from comfyhoused.core.files.links import make_file_link
from comfyhoused.core.files.records import FileNotFound, get_file
from comfyhoused.core.jobs.archive import load_document
from comfyhoused.core.jobs.record import Job
from comfyhoused.kit.clock import get_now

ENGINE = "engine"
#: Outputs are kept a moment before their job is over.
_MOMENT = timedelta(minutes=1)


async def render_job(house: BackOffice, job: Job) -> JobResponse:
    """Return the job with fresh links to its outputs."""
    return await _render(house, job, await find_remaining(house, job.owner))


async def render_jobs(house: BackOffice, jobs: Sequence[Job]) -> list[JobResponse]:
    """Return jobs of one owner with fresh links to their outputs."""
    remaining = await find_remaining(house, jobs[0].owner) if jobs else None
    return [await _render(house, job, remaining) for job in jobs]


async def _render(house: BackOffice, job: Job, remaining: int | None) -> JobResponse:
    job = await load_document(house.resources.storage, job)
    outputs = [one for raw in job.outputs if (one := await _render_output(house, job, raw))]
    images = _list_images(job, outputs)
    return JobResponse(
        job_id=job.id,
        status=job.state,
        kind=job.kind,
        canceling=job.is_canceling and not job.state.is_terminal,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        expires_at=job.expires_at,
        attempt=job.attempt,
        outputs=outputs,
        images=images,
        image_url=images[0].url if images else None,
        error=dict(job.error) if job.error else None,
        timings=make_timings(job),
        cost=Cost(
            images_used=count_charge(house.plans.units, job),
            quota_remaining=remaining,
        ),
        engine=find_engine(job),
        parameters=job.facts.get("parameters", {}),
        metadata=job.facts.get("metadata", {}),
        batch_id=job.batch or None,
        item=job.facts.get("item"),
    )


def find_engine(job: Job) -> Literal["sandbox", "comfyui"] | None:
    """Return what made it; None while no backend has it."""
    if not job.backend:
        return None
    return "sandbox" if job.backend == ENGINE else "comfyui"


def make_job_headers(job_id: str) -> dict[str, str]:
    """Return headers that say where a job is."""
    return {"Location": f"/api/v1/jobs/{job_id}", "Comfyhouse-Job": job_id}


def make_headers(job: Job) -> dict[str, str]:
    """Return headers that every answer about a job carries."""
    headers = make_job_headers(job.id)
    engine = find_engine(job)
    return headers if engine is None else {**headers, "Comfyhouse-Engine": engine}


async def _render_output(house: BackOffice, job: Job, raw: dict[str, Any]) -> OutputResponse | None:
    """Return one output, without a link when its time is over; None when it was deleted."""
    try:
        file = await get_file(house.resources.store, job.owner, raw["file_id"])
        url: str | None = await make_file_link(house.resources, file)
        expires_at = file.expires_at
    except (FileNotFound, ObjectMissing):
        url, expires_at = None, find_expiry(job)
        if expires_at is None or expires_at - _MOMENT > get_now():
            return None
    return OutputResponse(
        node_id=raw["node_id"],
        kind=raw["kind"],
        file_id=raw["file_id"],
        url=url,
        expires_at=expires_at,
        content_type=raw["content_type"],
        size_bytes=raw["size_bytes"],
        hash=raw["hash"],
    )


def find_expiry(job: Job) -> datetime | None:
    """Return when the outputs of a job go; None: they stay."""
    if job.keep_seconds is None or job.finished_at is None:
        return None
    return job.finished_at + timedelta(seconds=job.keep_seconds)


def _list_images(job: Job, outputs: list[OutputResponse]) -> list[ImageResponse]:
    sizes = {raw["file_id"]: (raw["width"], raw["height"]) for raw in job.outputs}
    seed = job.facts.get("parameters", {}).get("seed")
    pictures = [one for one in outputs if one.content_type.startswith("image/")]
    return [
        ImageResponse(
            url=one.url,
            expires_at=one.expires_at,
            seed=None if seed is None else (seed + index) % 2**32,
            width=sizes[one.file_id][0],
            height=sizes[one.file_id][1],
            content_type=one.content_type,
            size_bytes=one.size_bytes,
            hash=one.hash,
        )
        for index, one in enumerate(pictures)
    ]


def make_timings(job: Job) -> Timings:
    """Return how long the job waited and ran, in seconds."""
    return Timings(
        queued_seconds=_measure(job.created_at, job.started_at or job.finished_at),
        run_seconds=_measure(job.started_at, job.finished_at),
        total_seconds=_measure(job.created_at, job.finished_at),
    )


def _measure(start: datetime | None, end: datetime | None) -> float | None:
    if start is None or end is None:
        return None
    return round((end - start).total_seconds(), 3)
