"""What the playground can run: each way to make a picture, with the inputs it declares."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ValidationError

from comfyhoused.api.console.code_samples import Call
from comfyhoused.api.console.controls import Control, ControlKind
from comfyhoused.api.house import ApiHouse
from comfyhoused.api.key_secrets import KeyMode
from comfyhoused.api.proposals.propose import JobRequest
from comfyhoused.api.schemas import GenerateRequest
from comfyhoused.core.workflows.catalogue import Catalogue, merge_catalogues
from comfyhoused.kit.errors import FieldError, NotFound, Unprocessable


class BenchUnknown(NotFound):
    """The playground has no such template or workflow."""

    code = "bench_unknown"
    title = "The playground has nothing of that name"


class RequestRefused(Unprocessable):
    """Something in the form needs a change; `errors` says what."""

    code = "form_incomplete"
    title = "Something in the form needs a change"


@dataclass(frozen=True, slots=True)
class Bench:
    """One thing to run: its form, the request it makes, and the call that makes the same."""

    name: str
    title: str
    about: str
    controls: tuple[Control, ...]
    make_request: Callable[[dict[str, Any]], JobRequest]
    make_call: Callable[[dict[str, Any]], Call]


_MAIN = {
    "text-to-image": ("prompt",),
    "image-to-image": ("prompt", "init_image", "strength"),
}
_ABOUT = {
    "text-to-image": ("Text to image", "A picture from words."),
    "image-to-image": ("Image to image", "A picture from a picture and words."),
}
_SIZES = ("width", "height", "seed", "num_images")
_EXTRA = ("negative_prompt", "steps", "cfg_scale", "sampler_name", "scheduler", "model")
_LABELS = {
    "prompt": "Describe the picture",
    "negative_prompt": "What to keep out",
    "init_image": "The picture to start from",
    "strength": "How much to change",
    "width": "Width",
    "height": "Height",
    "seed": "Seed",
    "num_images": "Pictures",
    "steps": "Steps",
    "cfg_scale": "How closely to follow the words",
    "sampler_name": "Sampler",
    "scheduler": "Scheduler",
    "model": "Model",
}
_LONG = ("prompt", "negative_prompt")
_PICTURES = ("init_image",)


async def list_benches(house: ApiHouse, mode: KeyMode) -> list[Bench]:
    """Return everything that can be run in a mode."""
    catalogue = merge_catalogues(await house.catalogues.list_catalogues(mode))
    return [_make_template(name, catalogue) for name in _MAIN]


async def get_bench(house: ApiHouse, mode: KeyMode, name: str) -> Bench:
    """Return one by its name; raises BenchUnknown."""
    for bench in await list_benches(house, mode):
        if bench.name == name:
            return bench
    raise BenchUnknown(f"There is no {name[:80]!r} to run here.")


def _make_template(name: str, catalogue: Catalogue) -> Bench:
    title, about = _ABOUT[name]
    main = _MAIN[name]
    choices = {
        "sampler_name": catalogue.samplers,
        "scheduler": catalogue.schedulers,
        "model": catalogue.checkpoints,
    }
    schema = GenerateRequest.model_json_schema()["properties"]
    controls = [
        replace(
            make_control(one, schema[one], choices=choices.get(one, ())),
            is_required=one in ("prompt", *_PICTURES),
            is_extra=one in _EXTRA,
        )
        for one in (*main, *_SIZES, *_EXTRA)
        if one in schema
    ]
    return Bench(
        name,
        title,
        about,
        tuple(controls),
        lambda values: build_request(GenerateRequest, values),
        lambda values: Call("/generate", values, "generate", "prompt"),
    )


def make_control(name: str, schema: Mapping[str, Any], *, choices: Sequence[str] = ()) -> Control:
    """Return the control of a field of a request's JSON Schema."""
    parts = [schema, *(part for part in schema.get("anyOf", ()) if part.get("type") != "null")]
    merged: dict[str, Any] = {}
    for part in reversed(parts):
        merged |= part
    default = schema.get("default")
    kind = _choose_kind(name, merged, choices)
    return Control(
        name=name,
        kind=kind,
        pointer=f"/{name}",
        label=_LABELS.get(name, name.replace("_", " ").capitalize()),
        value="" if default is None or isinstance(default, list | dict) else str(default),
        placeholder="The default" if kind != "choice" else "",
        minimum=merged.get("minimum"),
        maximum=merged.get("maximum"),
        step=merged.get("multipleOf"),
        is_whole=merged.get("type") == "integer",
        choices=tuple(choices),
        longest=merged.get("maxLength"),
    )


def _choose_kind(name: str, schema: Mapping[str, Any], choices: Sequence[str]) -> ControlKind:
    if name in _PICTURES:
        return "picture"
    if choices:
        return "choice"
    if schema.get("type") in ("integer", "number"):
        return "number"
    if schema.get("type") == "boolean":
        return "switch"
    return "text" if name in _LONG else "line"


def build_request(model: type[BaseModel], values: dict[str, Any]) -> Any:
    """Return the request that the API would read; raises RequestRefused as it would."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = [
            FieldError(
                pointer="/" + "/".join(str(part) for part in fault["loc"] if part != "function"),
                detail=fault["msg"],
            )
            for fault in error.errors()
        ]
        raise RequestRefused(faults[0]["detail"], errors=faults) from error
