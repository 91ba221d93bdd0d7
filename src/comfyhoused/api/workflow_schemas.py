"""What `/workflows` reads and answers."""

import math
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    model_validator,
)

from comfyhoused.api.job_requests import Graph, JobOptions, Watermark
from comfyhoused.api.request_bodies import PlainText, RequestBody
from comfyhoused.core.files.finish import DEFAULT_QUALITY, PictureFormat
from comfyhoused.core.workflows.registered.definition import InputType

_Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]


def _check_scalar(value: Any) -> Any:
    """Before the union is looked at, whose own faults would name every one of its kinds."""
    if value is not None and not isinstance(value, bool | int | float | str):
        raise ValueError("is text, a number, true or false")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("is not a finite number")
    return value


def _check_number(value: Any) -> Any:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ValueError("is a number")
    return _check_scalar(value)


_Kinds = StrictBool | StrictInt | StrictFloat | PlainText
_Scalar = Annotated[_Kinds, BeforeValidator(_check_scalar)]
_Default = Annotated[_Kinds | None, BeforeValidator(_check_scalar)]
_Number = Annotated[StrictInt | StrictFloat | None, BeforeValidator(_check_number)]
_Step = Annotated[
    Annotated[StrictInt | StrictFloat, Field(gt=0)] | None, BeforeValidator(_check_number)
]
_MOST_INPUTS = 100

_GRAPH: dict[str, Any] = {
    "1": {
        "class_type": "EmptyImage",
        "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 1857347},
    },
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "plain"}},
}
_INPUTS: dict[str, Any] = {
    "color": {
        "type": "integer",
        "node_id": "1",
        "field": "color",
        "title": "Colour",
        "description": "as a number, 0xRRGGBB",
        "default": 1857347,
    },
    "side": {
        "type": "integer",
        "targets": [{"node_id": "1", "field": "width"}, {"node_id": "1", "field": "height"}],
        "minimum": 64,
        "maximum": 2048,
        "step": 8,
        "default": 512,
    },
}


class TargetSchema(RequestBody):
    """Where a value goes: the input `field` of a node of the graph."""

    node_id: str = Field(max_length=64)
    field: str = Field(max_length=200)


class InputSchema(RequestBody):
    """One input that whoever runs the workflow may fill in.

    Write `node_id` and `field`, or `targets` where one value goes to several places.
    """

    type: InputType
    node_id: str | None = Field(None, max_length=64)
    field: str | None = Field(None, max_length=200)
    targets: list[TargetSchema] = Field([], max_length=20)
    title: PlainText = Field("", max_length=200)
    description: PlainText = Field("", max_length=2000)
    required: bool | None = Field(
        None, description="null: required where neither a default nor the graph has a value"
    )
    default: _Default = Field(
        None,
        description="null: what stands in the graph; of a seed: drawn for each job",
    )
    minimum: _Number = None
    maximum: _Number = None
    step: _Step = Field(None, description="counted from zero")
    choices: list[_Scalar] | None = Field(
        None,
        min_length=1,
        max_length=1000,
        description="of a choice or a model; null: what the servers offer at the time",
    )
    max_length: int | None = Field(None, ge=1, le=100_000, description="of a text; default 5,000")

    @model_validator(mode="after")
    def _check_places(self) -> "InputSchema":
        has_one = self.node_id is not None and self.field is not None
        if (self.node_id is None) != (self.field is None) or has_one == bool(self.targets):
            raise ValueError("write node_id and field, or targets")
        return self


class WorkflowDefinition(RequestBody):
    """A graph and its declared inputs."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"title": "A plain colour", "workflow": _GRAPH, "inputs": _INPUTS}]
        }
    )

    workflow: Graph = Field(description="in API format, or in the editor's save format")
    inputs: dict[_Name, InputSchema] = Field({}, max_length=_MOST_INPUTS)
    title: PlainText = Field("", max_length=200)
    description: PlainText = Field("", max_length=5000)
    max_units: int = Field(1, ge=1, le=10_000, description="reserved for each job, unless it says")
    output_format: PictureFormat | None = Field(
        None, description="of pictures; null: as the workflow saves them"
    )
    quality: int = Field(DEFAULT_QUALITY, ge=1, le=100, description="of jpeg and webp")


class WorkflowRun(JobOptions):
    """Inputs of a registered workflow; `GET /workflows/{name}/schema` says which."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"inputs": {"side": 256}}]})

    inputs: dict[PlainText, Any] = Field({}, max_length=200)
    max_units: int | None = Field(None, ge=1, le=10_000, description="null: as registered")
    output_format: PictureFormat | None = Field(None, description="null: as registered")
    quality: int = Field(DEFAULT_QUALITY, ge=1, le=100)
    watermark: Watermark = False


class InputResponse(BaseModel):
    """An input as it stands: ranges of the nodes, defaults of the graph filled in."""

    type: InputType
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


class WorkflowSummary(BaseModel):
    """A registered workflow, in its latest version."""

    name: str
    version: int
    versions: list[int] = Field(description="all that can be run, as `name@1` or `?version=1`")
    title: str
    description: str
    inputs: dict[str, InputResponse]
    max_units: int
    output_format: PictureFormat | None
    quality: int
    created_at: datetime
    updated_at: datetime
    warnings: list[str]


class WorkflowResponse(WorkflowSummary):
    """A registered workflow with its graph, in API format."""

    workflow: dict[str, Any]


class WorkflowList(BaseModel):
    """A page of registered workflows, by name."""

    workflows: list[WorkflowSummary]
    next_cursor: str | None = Field(description="send it as `cursor` for the next page")
