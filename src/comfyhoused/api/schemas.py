"""What the API reads and answers. Ranges are checked by core, where they are defined once."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from comfyhoused.api.problems import ProblemDocument
from comfyhoused.core.files.finish import DEFAULT_QUALITY, LONGEST_MARK, PictureFormat
from comfyhoused.core.jobs.record import JobKind
from comfyhoused.core.jobs.states import JobState
from comfyhoused.core.workflows.parameters import CONTROL_STRENGTH, LONGEST_PROMPT, RANGES
from comfyhoused.core.workflows.quoting import find_text_fault
from comfyhoused.core.workflows.upscale import FACTORS


def _range(name: str, **more: Any) -> Any:
    """Return a field whose documented range is the one that core checks."""
    allowed = RANGES[name]
    schema: dict[str, Any] = {"minimum": allowed.minimum, "maximum": allowed.maximum}
    if allowed.step and allowed.step > 1:
        schema["multipleOf"] = allowed.step
    return Field(json_schema_extra=schema, **more)


_PICTURE = "a file id, an https address, or a data URI; PNG, JPEG or WebP"
_OR_OWN = ", or what the model is made for"
_SIZE = (
    "of what is painted; default: that of init_image or control_image (at most one megapixel), "
    "else what the model is made for, mostly 512"
)
_MOST_FIELDS = 50
_MOST_METADATA = 50
_DEEPEST = 64


def _check_count(value: Any, most: int) -> Any:
    """Every entry that is wrong costs an error of its own: a million of them take seconds."""
    if isinstance(value, dict) and len(value) > most:
        raise ValueError(f"has {len(value)} entries, more than the {most} allowed")
    return value


class RequestBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _check_size(cls, value: Any) -> Any:
        return _check_count(value, _MOST_FIELDS)


def _check_text(text: str) -> str:
    """JSON can write half a character, which nothing behind us can store."""
    fault = find_text_fault(text, LONGEST_PROMPT)
    if fault is not None:
        raise ValueError(fault)
    return text


PlainText = Annotated[str, AfterValidator(_check_text)]
Metadata = Annotated[
    dict[PlainText, PlainText], BeforeValidator(lambda value: _check_count(value, _MOST_METADATA))
]


def _check_depth(graph: dict[str, Any]) -> dict[str, Any]:
    """A graph is flat; what is nested deeper than this, writers of JSON give up on."""
    level: list[Any] = [graph]
    for _ in range(_DEEPEST):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return graph
    raise ValueError(f"is nested more than {_DEEPEST} deep")


class LoraRequest(RequestBody):
    """A LoRA by name, and how strongly it acts."""

    name: str = Field(max_length=300)
    strength: float = 1.0


class JobOptions(RequestBody):
    """What any job may carry."""

    priority: int = Field(0, ge=-100, le=100, description="order among your own jobs only")
    timeout_seconds: int | None = Field(None, ge=1, le=86_400, description="limit of the run time")
    expires_in_seconds: int | None = Field(
        None, ge=1, le=604_800, description="limit of the wait; never started: `expired`, free"
    )
    webhook_url: PlainText | None = Field(
        None,
        min_length=1,
        max_length=2048,
        description="told when this job is over, beside your endpoints; signed with GET "
        "/webhooks/secret",
    )
    metadata: Metadata = Field(
        {},
        max_length=_MOST_METADATA,
        description="up to 50 texts of yours, 5,000 characters each, given back",
    )


Watermark = bool | Annotated[PlainText, Field(min_length=1, max_length=LONGEST_MARK)]
_WATERMARK = Field(False, description="true, or a text: written small into a corner of the picture")


class FinishOptions(RequestBody):
    """How the pictures are handed over."""

    output_format: PictureFormat = Field(
        "png", description="png keeps every pixel; jpeg and webp compress"
    )
    quality: int = Field(
        DEFAULT_QUALITY, ge=1, le=100, description="of jpeg and webp: 100 is the best"
    )
    watermark: Watermark = _WATERMARK


class GenerateRequest(FinishOptions, JobOptions):
    """A picture from words, from a picture, or from a part of one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"prompt": "fog lifting off three mountain ridges at first light", "seed": 7}
            ]
        }
    )

    prompt: str = Field(
        json_schema_extra={"minLength": 1, "maxLength": LONGEST_PROMPT},
        examples=["fog lifting off three mountain ridges at first light"],
    )
    negative_prompt: str = Field("", json_schema_extra={"maxLength": LONGEST_PROMPT})
    width: Annotated[int | None, _range("width", description=_SIZE)] = None
    height: Annotated[int | None, _range("height", description=_SIZE)] = None
    steps: Annotated[int | None, _range("steps", description=f"default: 20{_OR_OWN}")] = None
    cfg_scale: Annotated[
        float | None,
        _range(
            "cfg_scale",
            description=f"how closely the words are followed; default: 7{_OR_OWN}; "
            "Flux takes it as its guidance",
        ),
    ] = None
    sampler_name: str | None = Field(
        None, max_length=200, description=f"one of GET /samplers; default: euler{_OR_OWN}"
    )
    scheduler: str | None = Field(
        None, max_length=200, description=f"one of GET /samplers; default: normal{_OR_OWN}"
    )
    seed: Annotated[int | None, _range("seed")] = None
    num_images: int = _range("num_images", default=1)
    model: str | None = Field(None, max_length=300, description="one of GET /models")
    loras: list[LoraRequest] = Field([], max_length=50)
    init_image: str | None = Field(None, description=f"what is painted over: {_PICTURE}")
    strength: float = _range(
        "strength", default=0.75, description="0 keeps init_image, 1 forgets it"
    )
    mask_image: str | None = Field(
        None,
        description="which part of init_image is painted: white = edit, black = not one pixel "
        f"changes; the shape of init_image; {_PICTURE}",
    )
    controlnet_type: str | None = Field(
        None,
        max_length=50,
        description="what control_image shows: canny, depth, openpose, scribble …; "
        "GET /templates/controlnet lists what is there",
    )
    control_image: str | None = Field(
        None, description=f"what the picture has to follow: {_PICTURE}"
    )
    controlnet_strength: float = Field(
        1.0,
        description="how closely control_image is followed",
        json_schema_extra={
            "minimum": CONTROL_STRENGTH.minimum,
            "maximum": CONTROL_STRENGTH.maximum,
        },
    )
    controlnet_preprocess: bool | None = Field(
        None,
        description="true: control_image is a picture, make the map from it; false: it is the "
        "map; default: true where the servers can",
    )


class UpscaleRequest(FinishOptions, JobOptions):
    """A picture to be enlarged."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"kind": "upscale", "image": "file_…", "factor": 2}]}
    )

    kind: Literal["upscale"] = Field("upscale", description="needed by POST /jobs only")
    image: str = Field(description=_PICTURE)
    factor: int = Field(2, description="of both sides", json_schema_extra={"enum": list(FACTORS)})
    model: str | None = Field(
        None,
        max_length=300,
        description="one of the upscalers of GET /models; default: the one that fits best, "
        "or careful resampling where the servers have none",
    )


Graph = Annotated[dict[str, Any], AfterValidator(_check_depth)]
_LONGEST_REFERENCE = 80


def _check_workflow(value: Any) -> Any:
    """Before the union is looked at, whose own faults would name our validators."""
    if isinstance(value, dict):
        return _check_depth(value)
    if not isinstance(value, str):
        raise ValueError("is an object (a graph) or text (the name of a registered workflow)")
    if len(value) > _LONGEST_REFERENCE:
        raise ValueError(f"has more than {_LONGEST_REFERENCE} characters")
    return value


class WorkflowRequest(JobOptions):
    """A ComfyUI graph, or the name of a registered workflow and its inputs.

    Files in a graph are written `{"file_id": "file_…"}`.
    """

    workflow: Annotated[dict[str, Any] | str, BeforeValidator(_check_workflow)] = Field(
        description="a graph in API format or in the editor's save format, or `name` or `name@3` "
        "of a registered workflow"
    )
    inputs: dict[PlainText, Any] = Field(
        {}, max_length=200, description="of a registered workflow; its schema says which"
    )
    max_units: int | None = Field(
        None,
        ge=1,
        le=10_000,
        description="reserved; at most that is charged; default: 1, or what was registered",
    )
    output_format: PictureFormat | None = Field(
        None, description="of pictures; null: as the workflow saves them, or as registered"
    )
    quality: int = Field(DEFAULT_QUALITY, ge=1, le=100, description="of jpeg and webp")
    watermark: Watermark = _WATERMARK


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


ModelKind = Literal["checkpoint", "diffusion_model", "lora", "controlnet", "upscaler"]


class ModelResponse(BaseModel):
    """A model file and what is known about it."""

    name: str
    kind: ModelKind
    family: str = Field(description="sd15, sdxl, flux …; other: its name does not tell")
    licence: str | None
    licence_url: str | None
    commercial: bool | None = Field(
        description="whether its pictures may be sold; null: nobody has said"
    )
    note: str | None
    offered: bool = Field(description="whether a template takes it from this key")
    reason: str | None = Field(description="why it is not offered")


class ModelList(BaseModel):
    """What the servers have that this key may use, by name. Empty lists: no server has any."""

    checkpoints: list[str] = Field(examples=[["sd_xl_base_1.0.safetensors"]])
    diffusion_models: list[str] = Field(examples=[["flux1-schnell.safetensors"]])
    loras: list[str]
    controlnets: list[str]
    upscalers: list[str]
    models: list[ModelResponse] = Field(description="each of them, and those it may not use")


class SamplerList(BaseModel):
    """What the servers' KSampler offers."""

    samplers: list[str] = Field(examples=[["euler", "dpmpp_2m"]])
    schedulers: list[str] = Field(examples=[["normal", "karras"]])


def _answer(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {
            "application/problem+json": {"schema": {"$ref": f"#/components/schemas/{_NAME}"}}
        },
    }


_NAME = ProblemDocument.__name__
PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: _answer("No key, or none that is valid"),
    403: _answer("The key was not made for this"),
    422: _answer("A parameter breaks a rule"),
    429: _answer("More requests than your plan allows; `Retry-After` says when to go on"),
    503: _answer("A part of the house is down; `Retry-After` says when to try again"),
}
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: _answer("Nothing of yours has this id")}
BODY_PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: _answer("The body is not valid JSON"),
    409: _answer("The Idempotency-Key belongs to another request"),
    413: _answer("The body is too large"),
    415: _answer("The body is not of a kind that is read here"),
    422: _answer("Something in the body breaks a rule; `errors` says what and where"),
    429: _answer("A limit was reached"),
}
INVALID: dict[int | str, dict[str, Any]] = {422: _answer("A parameter breaks a rule")}


SUBMIT_EXAMPLES: dict[str, Any] = {
    "picture": {
        "summary": "A picture from words",
        "value": {"prompt": "fog lifting off three mountain ridges at first light", "seed": 7},
    },
    "workflow": {
        "summary": "A ComfyUI graph in API format",
        "value": {
            "workflow": {
                "1": {
                    "class_type": "EmptyImage",
                    "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 1857347},
                },
                "2": {
                    "class_type": "SaveImage",
                    "inputs": {"images": ["1", 0], "filename_prefix": "pine"},
                },
            }
        },
    },
}
