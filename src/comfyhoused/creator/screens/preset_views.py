"""Presets as screens show them, and as forms choose them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image
from starlette.datastructures import FormData

from comfyhoused.creator.presets.book import PresetBook
from comfyhoused.creator.presets.preset import Parameter, Preset


@dataclass(frozen=True, slots=True)
class SampleView:
    """A pair of pictures, by address; the two are of one size."""

    title: str
    before: str
    after: str
    strength: int
    credit: str
    preset: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class PresetView:
    """A preset as pages show it."""

    name: str
    title: str
    version: str
    summary: str
    usual_strength: int
    parameters: tuple[Parameter, ...]
    samples: list[SampleView]
    is_ours: bool


def view_presets(book: PresetBook) -> list[PresetView]:
    """Return all presets in the order in which they are shown."""
    return [view_preset(preset) for preset in book.list()]


def view_preset(preset: Preset) -> PresetView:
    """Return the view of one preset."""
    return PresetView(
        name=preset.name,
        title=preset.title,
        version=preset.version,
        summary=preset.summary,
        usual_strength=preset.usual_strength,
        parameters=preset.parameters,
        samples=[_view_sample(preset, number) for number in range(len(preset.samples))],
        is_ours=preset.is_ours,
    )


def list_titles(book: PresetBook) -> dict[str, str]:
    """Return what each preset is called."""
    return {preset.name: preset.title for preset in book.list()}


def _view_sample(preset: Preset, number: int) -> SampleView:
    sample = preset.samples[number]
    width, height = read_size(sample.after)
    address = f"/creator/samples/{preset.name}/{preset.version}/{number}"
    return SampleView(
        title=sample.title,
        before=f"{address}/before",
        after=f"{address}/after",
        strength=sample.strength,
        credit=sample.credit,
        preset=preset.title,
        width=width,
        height=height,
    )


@cache
def read_size(path: Path) -> tuple[int, int]:
    """Return width and height of a picture of the operator's."""
    with Image.open(path) as picture:
        return picture.size


@dataclass(frozen=True, slots=True)
class Choice:
    """A preset with its strength and parameters, as a form has sent them."""

    preset: str
    strength: int
    parameters: Mapping[str, Any]


def read_choice(form: FormData, book: PresetBook) -> Choice:
    """Return what a form has chosen; raises PresetUnknown. The values are not checked here.

    A form carries the parameters of every preset as `p.{preset}.{parameter}`.
    """
    preset = book.get(str(form.get("preset", "")))
    parameters: dict[str, Any] = {}
    for one in preset.parameters:
        sent = form.get(f"p.{preset.name}.{one.name}")
        if isinstance(sent, str):
            parameters[one.name] = _read_whole(sent) if one.type == "integer" else sent
    strength = _read_whole(str(form.get("strength", preset.usual_strength)))
    return Choice(preset.name, strength if isinstance(strength, int) else -1, parameters)


def _read_whole(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else text
