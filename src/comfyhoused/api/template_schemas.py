"""What GET /templates answers."""

from typing import Any

from pydantic import BaseModel, Field

from comfyhoused.core.workflows.templates import TemplateName


class FamilyResponse(BaseModel):
    """Whether a template can paint with a family of models."""

    family: str = Field(examples=["sdxl"])
    title: str
    offered: bool
    reason: str | None = Field(description="why it is not offered")
    models: list[str] = Field(description="what `model` may be; the first is taken by default")
    defaults: dict[str, Any] = Field(description="what this family takes where nothing is said")


class ControlResponse(BaseModel):
    """One sort of control picture."""

    type: str = Field(examples=["canny"])
    title: str = Field(description="what such a picture shows")
    offered: bool
    families: list[str] = Field(description="families with a ControlNet that reads it")
    models: list[str] = Field(description="those ControlNets")
    preprocessed: bool = Field(
        description="true: an ordinary picture may be sent, and a server makes the map; "
        "false: control_image must be such a map already"
    )


class TemplateResponse(BaseModel):
    """A way to make a picture, and whether this house has what it takes."""

    name: TemplateName
    title: str
    about: str
    operation: str = Field(examples=["POST /api/v1/generate"])
    offered: bool
    reason: str | None = Field(description="why it is not offered")
    families: list[FamilyResponse]
    upscalers: list[str] = Field(description="of upscale; none: it resamples")


class TemplateDetail(TemplateResponse):
    """A template with its inputs."""

    inputs: dict[str, Any] = Field(
        description="JSON Schema of the request's fields, with the choices there really are"
    )
    controls: list[ControlResponse] = Field(description="of ControlNet")


class TemplateList(BaseModel):
    """Every template."""

    templates: list[TemplateResponse]
