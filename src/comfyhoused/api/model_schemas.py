"""What the API says of models and samplers."""

from typing import Literal

from pydantic import (
    BaseModel,
    Field,
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
