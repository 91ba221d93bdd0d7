"""What a preset is: a graph over one photo, a strength, and a few parameters.

A preset is a folder: `preset.toml` (the form is `Manifest`), `workflow.json` (a graph in ComfyUI's
API format) and its samples. docs/creator/presets.md says how to add one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from comfyhoused.core.workflows.graph import Graph

FULL_STRENGTH = 100
ParameterValue = int | str
ParameterType = Literal["integer", "choice", "colour"]

_COLOUR = re.compile(r"#[0-9a-f]{6}")


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Target(_Table):
    """The input `field` of the graph's node `node`: where a value goes."""

    node: str
    field: str


class Parameter(_Table):
    """One thing that can be set beside the strength.

    `integer`: `minimum` to `maximum`; `choice`: one of `choices`, shown as `choice_titles`;
    `colour`: `#rrggbb`. `shown_when` names another parameter's value that makes this one matter.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    title: str = Field(min_length=1, max_length=60)
    hint: str = ""
    type: ParameterType
    default: ParameterValue
    minimum: int = 0
    maximum: int = 100
    choices: tuple[str, ...] = ()
    choice_titles: tuple[str, ...] = ()
    shown_when: Mapping[str, str] = {}
    target: Target

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.type == "choice" and not self.choices:
            raise ValueError("a choice needs choices")
        if len(self.choice_titles) not in (0, len(self.choices)):
            raise ValueError("choice_titles must be as many as choices")
        fault = self.find_fault(self.default)
        if fault:
            raise ValueError(f"the default {fault}")
        return self

    def find_fault(self, value: object) -> str | None:
        """Return what is wrong with a value, as the end of a sentence, or None."""
        if self.type == "integer":
            is_whole = isinstance(value, int) and not isinstance(value, bool)
            if not is_whole or not self.minimum <= int(str(value)) <= self.maximum:
                return f"must be a whole number from {self.minimum} to {self.maximum}"
        elif self.type == "choice":
            if value not in self.choices:
                return f"must be one of {', '.join(self.choices)}"
        elif not isinstance(value, str) or not _COLOUR.fullmatch(value):
            return "must be a colour such as #f4f1ec"
        return None

    def list_choices(self) -> list[tuple[str, str]]:
        """Return (value, shown) of every choice."""
        return list(zip(self.choices, self.choice_titles or self.choices, strict=True))


class SampleEntry(_Table):
    """A pair of pictures as the manifest names them, relative to the preset's folder."""

    title: str
    before: str
    after: str
    strength: int = Field(ge=0, le=FULL_STRENGTH)
    credit: str = ""


class Manifest(_Table):
    """preset.toml. `image`, `strength` and each parameter's `target` say where values go.

    `strength` goes in as 0–100. `version` must change whenever the pixels do: an edit is charged
    once for each version.
    """

    title: str = Field(min_length=1, max_length=60)
    version: str = Field(pattern=r"^[0-9A-Za-z.-]{1,20}$")
    summary: str = Field(min_length=1, max_length=200)
    order: int = 100
    usual_strength: int = Field(60, ge=0, le=FULL_STRENGTH)
    makes_transparency: bool = False
    image: Target
    strength: Target
    parameters: tuple[Parameter, ...] = ()
    samples: tuple[SampleEntry, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [one.name for one in self.parameters]
        if len(set(names)) != len(names):
            raise ValueError("two parameters have one name")
        return self

    def list_targets(self) -> list[Target]:
        """Return every place that a value goes to."""
        return [self.image, self.strength, *(one.target for one in self.parameters)]


@dataclass(frozen=True, slots=True)
class Sample:
    """A picture before and after, as files."""

    title: str
    before: Path
    after: Path
    strength: int
    credit: str


@dataclass(frozen=True, slots=True)
class Preset:
    """One preset, checked. `name` is its folder's and permanent; `graph` is not to be changed."""

    name: str
    title: str
    version: str
    summary: str
    order: int
    usual_strength: int
    makes_transparency: bool
    parameters: tuple[Parameter, ...]
    samples: tuple[Sample, ...]
    image: Target
    strength: Target
    graph: Graph
    is_ours: bool

    def find_parameter(self, name: str) -> Parameter | None:
        """Return the parameter of that name, or None."""
        return next((one for one in self.parameters if one.name == name), None)

    def list_classes(self) -> list[str]:
        """Return the node classes that a server needs for it, each once."""
        return sorted({node["class_type"] for node in self.graph.values()})

    def describe_defaults(self) -> dict[str, Any]:
        """Return every parameter with its default."""
        return {one.name: one.default for one in self.parameters}
