"""What `/batches` reads and answers."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from comfyhoused.api.job_bodies import JobBody
from comfyhoused.api.request_bodies import Metadata, PlainText, RequestBody
from comfyhoused.core.jobs.batches import MOST_JOBS

_Inputs = Annotated[dict[str, Any], Field(max_length=50)]


class BatchRequest(RequestBody):
    """Many jobs: `jobs`, or `template` and `inputs`: one body, and for each job what differs."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "template": {"width": 768, "height": 512, "steps": 25},
                    "inputs": [
                        {"prompt": "a lighthouse at dawn", "metadata": {"name": "dawn"}},
                        {"prompt": "a lighthouse at dusk", "metadata": {"name": "dusk"}},
                    ],
                }
            ]
        }
    )

    jobs: list[JobBody] | None = Field(
        None, min_length=1, max_length=MOST_JOBS, description="bodies as POST /jobs takes them"
    )
    template: _Inputs | None = Field(
        None, description="a body as POST /jobs takes it, or a part of one"
    )
    inputs: list[_Inputs] | None = Field(
        None,
        min_length=1,
        max_length=MOST_JOBS,
        description="each is merged into the template (RFC 7396: objects are merged, null "
        "removes, all else replaces) and makes a job",
    )
    metadata: Metadata = Field({}, max_length=50, description="of the batch; given back")
    webhook_url: PlainText | None = Field(
        None,
        min_length=1,
        max_length=2048,
        description="told when all jobs are over; signed with GET /webhooks/secret",
    )

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        has_inputs = self.template is not None and self.inputs is not None
        has_either = self.template is not None or self.inputs is not None
        if (self.jobs is not None) == has_inputs or (has_either and not has_inputs):
            raise ValueError("send either `jobs`, or `template` and `inputs`")
        return self


class BatchCounts(BaseModel):
    """How many jobs are in each state; `erased` ones are gone."""

    queued: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    canceled: int = 0
    expired: int = 0
    erased: int = 0


class BatchUnits(BaseModel):
    """Units held for jobs that are not over, and those charged for delivered ones."""

    reserved: int
    used: int


class BatchResponse(BaseModel):
    """A batch."""

    batch_id: str = Field(examples=["batch_4q8d1n5t6v7w2x3y4z5a6b"])
    status: Literal["running", "completed"] = Field(
        description="completed: every job is over, whatever became of it"
    )
    created_at: datetime
    finished_at: datetime | None
    total: int
    counts: BatchCounts
    units: BatchUnits
    retries: int = Field(description="how often failed jobs were tried again")
    metadata: dict[str, str]


class BatchList(BaseModel):
    """A page of batches, newest first."""

    batches: list[BatchResponse]
    next_cursor: str | None


class BatchRetried(BatchResponse):
    """A batch, and how many of its jobs are tried again."""

    retried: int
