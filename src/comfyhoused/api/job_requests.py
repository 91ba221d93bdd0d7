"""What the API takes as a job. Ranges are checked by core, where they are defined once."""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
)

from comfyhoused.api.request_bodies import _MOST_METADATA, Metadata, PlainText, RequestBody
from comfyhoused.core.files.finish import DEFAULT_QUALITY, LONGEST_MARK, PictureFormat
from comfyhoused.core.workflows.parameters import CONTROL_STRENGTH, LONGEST_PROMPT, RANGES
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
_DEEPEST = 64


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
