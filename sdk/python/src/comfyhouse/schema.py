# Written from the OpenAPI document by `make docs`: change the server's schemas.
"""What the server answers, typed; field for field what the API documents."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from comfyhouse.answers import Answer, JobAnswer


class AccountPlan(Answer):
    """The plan of the account."""

    name: str
    title: str


class Account(Answer):
    """Who you are here, and with which key."""

    account_id: str
    email: str | None
    plan: AccountPlan
    created_at: datetime
    spend_cap_cents: int | None
    stopped_reason: str | None
    mode: Literal["live", "test"]
    key: Key


class Attempt(Answer):
    """One try."""

    number: int
    at: datetime
    status: int | None
    error_code: str | None
    detail: str | None
    duration_seconds: float
    answer: str


class BackendReadiness(Answer):
    """One ComfyUI server, as a worker last saw it."""

    id: str
    state: Literal["ready", "unreachable", "stuck"]
    version: str
    modes: list[Literal["live", "test"]]
    guarantee: Literal["fence", "lease"]


class BatchCounts(Answer):
    """How many jobs are in each state; `erased` ones are gone."""

    queued: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    canceled: int = 0
    expired: int = 0
    erased: int = 0


class BatchList(Answer):
    """A page of batches, newest first."""

    batches: list[Batch]
    next_cursor: str | None


class Batch(Answer):
    """A batch."""

    batch_id: str
    status: Literal["running", "completed"]
    created_at: datetime
    finished_at: datetime | None
    total: int
    counts: BatchCounts
    units: BatchUnits
    retries: int
    metadata: dict[str, str]


class BatchRetried(Answer):
    """A batch, and how many of its jobs are tried again."""

    batch_id: str
    status: Literal["running", "completed"]
    created_at: datetime
    finished_at: datetime | None
    total: int
    counts: BatchCounts
    units: BatchUnits
    retries: int
    metadata: dict[str, str]
    retried: int


class BatchUnits(Answer):
    """Units held for jobs that are not over, and those charged for delivered ones."""

    reserved: int
    used: int


class ClientToken(Answer):
    """A token for a browser."""

    client_token: str
    expires_at: datetime
    scopes: list[str]


class Control(Answer):
    """One sort of control picture."""

    type: str
    title: str
    offered: bool
    families: list[str]
    models: list[str]
    preprocessed: bool


class Cost(Answer):
    """What the job costs."""

    images_used: int
    quota_remaining: int | None


class DayUsage(Answer):
    """Units of jobs that were accepted on one day (UTC)."""

    day: str
    units: int


class DeliveryDetail(Answer):
    """A delivery with what was sent and what came back."""

    delivery_id: str
    event_id: str
    type: str
    endpoint_id: str | None
    url: str | None
    status: DeliveryState
    reason: str | None
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    ended_at: datetime | None
    request_body: str | None
    log: list[Attempt]


class DeliveryList(Answer):
    """A page of deliveries, newest first."""

    deliveries: list[Delivery]
    next_cursor: str | None


class Delivery(Answer):
    """One event on its way to one place."""

    delivery_id: str
    event_id: str
    type: str
    endpoint_id: str | None
    url: str | None
    status: DeliveryState
    reason: str | None
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    ended_at: datetime | None


DeliveryState = Literal["pending", "delivered", "failed", "canceled"]


class EndpointCreated(Answer):
    """A new endpoint and the secret that signs for it."""

    endpoint_id: str
    url: str
    description: str
    events: list[str]
    enabled: bool
    disabled_reason: str | None
    failing_since: datetime | None
    delivered_at: datetime | None
    created_at: datetime
    secret: str


class EndpointList(Answer):
    """All your endpoints, the oldest first."""

    endpoints: list[Endpoint]


class Endpoint(Answer):
    """A webhook endpoint."""

    endpoint_id: str
    url: str
    description: str
    events: list[str]
    enabled: bool
    disabled_reason: str | None
    failing_since: datetime | None
    delivered_at: datetime | None
    created_at: datetime


class Estimate(Answer):
    """What a request would cost now."""

    jobs: int
    units: int
    included_units: int
    overage_units: int
    price_usd: str
    quota_remaining: int | None
    fits: bool
    wait_seconds: float | None
    run_seconds: float | None
    jobs_before: int


class Family(Answer):
    """Whether a template can paint with a family of models."""

    family: str
    title: str
    offered: bool
    reason: str | None
    models: list[str]
    defaults: dict[str, Any]


class FileList(Answer):
    """A page of files, newest first."""

    files: list[File]
    next_cursor: str | None


class File(Answer):
    """A file."""

    file_id: str
    purpose: Literal["input", "output"]
    content_type: str
    size_bytes: int
    hash: str
    width: int | None
    height: int | None
    url: str
    job_id: str | None
    created_at: datetime
    expires_at: datetime | None


class Health(Answer):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Image(Answer):
    """One picture."""

    url: str | None
    expires_at: datetime | None
    seed: int | None
    width: int | None
    height: int | None
    content_type: str
    size_bytes: int
    hash: str


class Input(Answer):
    """An input as it stands: ranges of the nodes, defaults of the graph filled in."""

    type: Literal[
        "text", "integer", "number", "boolean", "choice", "model", "seed", "image", "mask"
    ]
    targets: list[TargetSchema]
    title: str
    description: str
    required: bool
    default: bool | int | float | str | None
    minimum: int | float | None
    maximum: int | float | None
    step: int | float | None
    choices: list[bool | int | float | str] | None
    max_length: int | None


class JobList(Answer):
    """A page of jobs, newest first."""

    jobs: list[Job]
    next_cursor: str | None


class Job(JobAnswer):
    """A job."""

    job_id: str
    status: JobState
    kind: Literal["generate", "upscale", "workflow"]
    canceling: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime
    attempt: int
    outputs: list[Output]
    images: list[Image]
    image_url: str | None
    error: dict[str, Any] | None
    timings: Timings
    cost: Cost
    engine: Literal["sandbox", "comfyui"] | None
    parameters: dict[str, Any]
    metadata: dict[str, str]
    batch_id: str | None
    item: int | None


JobState = Literal["queued", "running", "succeeded", "failed", "canceled", "expired"]


class KeyList(Answer):
    """The keys of the account, newest first; those over for 30 days are left out."""

    keys: list[Key]


class Key(Answer):
    """What is known of a key; its secret is shown once only, when it is made."""

    key_id: str
    name: str
    mode: Literal["live", "test"]
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    replaced_by: str | None


class KeyUsage(Answer):
    """Units of one key; an empty id: made on our pages."""

    key_id: str
    units: int


class ModelList(Answer):
    """What the servers have that this key may use, by name."""

    checkpoints: list[str]
    diffusion_models: list[str]
    loras: list[str]
    controlnets: list[str]
    upscalers: list[str]
    models: list[Model]


class Model(Answer):
    """A model file and what is known about it."""

    name: str
    kind: Literal["checkpoint", "diffusion_model", "lora", "controlnet", "upscaler"]
    family: str
    licence: str | None
    licence_url: str | None
    commercial: bool | None
    note: str | None
    offered: bool
    reason: str | None


class NewKey(Answer):
    """A new key with its secret."""

    key_id: str
    name: str
    mode: Literal["live", "test"]
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    replaced_by: str | None
    secret: str


class Output(Answer):
    """One output of any kind."""

    node_id: str
    kind: str
    file_id: str
    url: str | None
    expires_at: datetime | None
    content_type: str
    size_bytes: int
    hash: str


class Readiness(Answer):
    """What works."""

    status: Literal["ready", "degraded", "down"]
    store: bool
    storage: bool
    backends: list[BackendReadiness]


class Replay(Answer):
    """How many events are sent again."""

    sent: int
    complete: bool


class SamplerList(Answer):
    """What the servers' KSampler offers."""

    samplers: list[str]
    schedulers: list[str]


class SecretList(Answer):
    """What signs now, the newest first."""

    secrets: list[Secret]


class Secret(Answer):
    """A secret that signs now."""

    secret: str
    expires_at: datetime | None


class SpendCap(Answer):
    """The most a month may cost beyond the plan's price."""

    spend_cap_usd: str | None
    cost_usd: str
    is_effective: bool


class TargetSchema(Answer):
    """Where a value goes: the input `field` of a node of the graph."""

    node_id: str
    field: str


class TemplateDetail(Answer):
    """A template with its inputs."""

    name: Literal["text-to-image", "image-to-image", "inpaint", "controlnet", "upscale"]
    title: str
    about: str
    operation: str
    offered: bool
    reason: str | None
    families: list[Family]
    upscalers: list[str]
    inputs: dict[str, Any]
    controls: list[Control]


class TemplateList(Answer):
    """Every template."""

    templates: list[Template]


class Template(Answer):
    """A way to make a picture, and whether this house has what it takes."""

    name: Literal["text-to-image", "image-to-image", "inpaint", "controlnet", "upscale"]
    title: str
    about: str
    operation: str
    offered: bool
    reason: str | None
    families: list[Family]
    upscalers: list[str]


class TemplateUsage(Answer):
    """Units of one template or registered workflow."""

    template: str
    units: int


class Timings(Answer):
    """Seconds; null where it has not come to that."""

    queued_seconds: float | None
    run_seconds: float | None
    total_seconds: float | None


class Usage(Answer):
    """A month of usage."""

    period: str
    starts_at: datetime
    ends_at: datetime
    plan: str
    used: int
    reserved: int
    included: int
    remaining: int
    overage: int
    cost_usd: str
    plan_price_usd: str
    spend_cap_usd: str | None
    quota_remaining: int | None
    jobs: int
    by_day: list[DayUsage]
    by_key: list[KeyUsage]
    by_template: list[TemplateUsage]
    periods: list[str]


class WorkflowList(Answer):
    """A page of registered workflows, by name."""

    workflows: list[WorkflowSummary]
    next_cursor: str | None


class Workflow(Answer):
    """A registered workflow with its graph, in API format."""

    name: str
    version: int
    versions: list[int]
    title: str
    description: str
    inputs: dict[str, Input]
    max_units: int
    output_format: Literal["png", "jpeg", "webp"] | None
    quality: int
    created_at: datetime
    updated_at: datetime
    warnings: list[str]
    workflow: dict[str, Any]


class WorkflowSummary(Answer):
    """A registered workflow, in its latest version."""

    name: str
    version: int
    versions: list[int]
    title: str
    description: str
    inputs: dict[str, Input]
    max_units: int
    output_format: Literal["png", "jpeg", "webp"] | None
    quality: int
    created_at: datetime
    updated_at: datetime
    warnings: list[str]


class ProblemDetails(Answer):
    """An error, as RFC 9457 has it."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    retryable: bool
    errors: list[FieldProblem] = Field(default_factory=list)


class FieldProblem(Answer):
    """One thing that is wrong, and where."""

    detail: str
    pointer: str | None = None
    node_id: str | None = None
    class_type: str | None = None
    allowed: list[str] | None = None
