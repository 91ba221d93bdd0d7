"""What the server answers, typed. Unknown fields are kept: a newer server breaks nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

JobStatus = Literal["queued", "running", "succeeded", "failed", "canceled", "expired"]
TERMINAL = frozenset({"succeeded", "failed", "canceled", "expired"})


class Answer(BaseModel):
    """The beginning of every answer."""

    model_config = ConfigDict(extra="allow", frozen=True)


class Image(Answer):
    """A picture. `url` is signed and valid for a limited time; None once the file has expired."""

    url: str | None
    seed: int | None = None
    width: int | None = None
    height: int | None = None
    content_type: str
    size_bytes: int
    hash: str


class Output(Answer):
    """An output of any kind, by the node that made it."""

    node_id: str
    kind: str
    file_id: str
    url: str | None
    content_type: str
    size_bytes: int
    hash: str


class Timings(Answer):
    """Seconds; None where it has not come to that."""

    queued_seconds: float | None = None
    run_seconds: float | None = None
    total_seconds: float | None = None


class Cost(Answer):
    """Units charged; failures and cancellations are free."""

    images_used: int
    quota_remaining: int | None = None


class Job(Answer):
    """One unit of work."""

    job_id: str
    status: JobStatus
    kind: str
    canceling: bool = False
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    expires_at: datetime | None = None
    attempt: int = 0
    outputs: list[Output] = Field(default_factory=list)
    images: list[Image] = Field(default_factory=list)
    image_url: str | None = None
    error: dict[str, Any] | None = None
    timings: Timings = Field(default_factory=Timings)
    cost: Cost
    engine: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    metadata: dict[str, str] = Field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether the status will not change any more."""
        return self.status in TERMINAL


class File(Answer):
    """Bytes that the house keeps."""

    file_id: str
    content_type: str
    size_bytes: int
    url: str | None = None


class Event(Answer):
    """One step of a job: `job.queued`, `job.running`, `job.progress`, `job.succeeded`, …"""

    type: str
    id: str | None = None
    data: dict[str, Any] = Field(default_factory=dict)


Item = TypeVar("Item")


class Page(Answer, Generic[Item]):
    """Some items, newest first, and the cursor of the next page; None: there is no more."""

    items: list[Item]
    next_cursor: str | None = None
