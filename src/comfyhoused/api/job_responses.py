"""What the API says of a job."""

from datetime import datetime
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
)

from comfyhoused.core.jobs.record import JobKind
from comfyhoused.core.jobs.states import JobState


class ImageResponse(BaseModel):
    """One picture. The link is signed when it is read, and valid for an hour."""

    url: str | None = Field(description="null: its time is over, the file is gone")
    expires_at: datetime | None = Field(description="until then it is kept; null: until deleted")
    seed: int | None
    width: int | None
    height: int | None
    content_type: str
    size_bytes: int
    hash: str = Field(description="BLAKE3, hex")


class OutputResponse(BaseModel):
    """One output of any kind."""

    node_id: str
    kind: str = Field(examples=["images"])
    file_id: str
    url: str | None = Field(description="null: its time is over, the file is gone")
    expires_at: datetime | None = Field(description="until then it is kept; null: until deleted")
    content_type: str
    size_bytes: int
    hash: str = Field(description="BLAKE3, hex")


class Timings(BaseModel):
    """Seconds; null where it has not come to that."""

    queued_seconds: float | None
    run_seconds: float | None
    total_seconds: float | None


class Cost(BaseModel):
    """What the job costs. Failures and cancellations are free."""

    images_used: int
    quota_remaining: int | None = Field(description="null: no limit")


class JobResponse(BaseModel):
    """A job."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "job_id": "6e0ab1c2-2f0e-4a53-9d0e-0b64b7b5a8f1",
                    "status": "succeeded",
                    "kind": "generate",
                    "canceling": False,
                    "created_at": "2026-11-22T10:00:00Z",
                    "started_at": "2026-11-22T10:00:00.4Z",
                    "finished_at": "2026-11-22T10:00:03Z",
                    "expires_at": "2026-11-23T10:00:00Z",
                    "attempt": 1,
                    "outputs": [],
                    "images": [],
                    "image_url": None,
                    "error": None,
                    "timings": {"queued_seconds": 0.4, "run_seconds": 2.6, "total_seconds": 3.0},
                    "cost": {"images_used": 1, "quota_remaining": 49},
                    "engine": "comfyui",
                    "parameters": {},
                    "metadata": {},
                    "batch_id": None,
                    "item": None,
                }
            ]
        }
    )

    job_id: str
    status: JobState
    kind: JobKind
    canceling: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime
    attempt: int = Field(description="tries so far; 0 while it waits for the first")
    outputs: list[OutputResponse]
    images: list[ImageResponse] = Field(description="the outputs that are pictures")
    image_url: str | None = Field(description="the first picture's link")
    error: dict[str, Any] | None = Field(description="a problem document when it failed")
    timings: Timings
    cost: Cost
    engine: Literal["sandbox", "comfyui"] | None = Field(
        description="sandbox: drawn by the built-in engine, no model"
    )
    parameters: dict[str, Any]
    metadata: dict[str, str]
    batch_id: str | None = Field(description="the batch it belongs to")
    item: int | None = Field(description="its number in the batch, from 0 on")


class JobList(BaseModel):
    """A page of jobs, newest first."""

    jobs: list[JobResponse]
    next_cursor: str | None = Field(
        description="send it as `cursor` for the next page, however short this one is; null: "
        "there is no more"
    )
