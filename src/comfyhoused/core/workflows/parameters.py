"""The parameters of generate, their ranges, and their check against what the servers offer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from comfyhoused.core.workflows.catalogue import Catalogue
from comfyhoused.core.workflows.quoting import find_text_fault, quote
from comfyhoused.core.workflows.values import MOST_CHOICES_SHOWN
from comfyhoused.kit.errors import FieldError, Unavailable, Unprocessable


class InvalidParameters(Unprocessable):
    """A parameter is out of its range, or names a model or sampler that no server offers."""

    code = "invalid_parameters"
    title = "The parameters break a rule"


class NoModels(Unavailable):
    """Servers were seen, but none has a checkpoint; the detail says where to put one."""

    code = "no_models"
    title = "No server has a model"


@dataclass(frozen=True)
class Range:
    """Smallest and largest value, both allowed; `step` counts from zero."""

    minimum: float
    maximum: float
    step: int | None = None


RANGES = {
    "width": Range(64, 2048, 8),
    "height": Range(64, 2048, 8),
    "steps": Range(1, 150, 1),
    "cfg_scale": Range(1, 30),
    "seed": Range(0, 2**32 - 1, 1),
    "num_images": Range(1, 4, 1),
    "strength": Range(0, 1),
}
LORA_STRENGTH = Range(-10, 10)
MOST_LORAS = 8
LONGEST_PROMPT = 5000


@dataclass(frozen=True)
class Lora:
    """A LoRA file by name, and how strongly it acts (usually 0 to 1)."""

    name: str
    strength: float = 1.0


@dataclass(frozen=True)
class GenerateParameters:
    """Everything that decides a picture. `seed` and `model` are resolved: see `choose_model`.

    With `init_image_file_id` it is image to image: `strength` 0 keeps the picture, 1 forgets it.
    """

    prompt: str
    model: str
    seed: int
    negative_prompt: str = ""
    width: int = 512
    height: int = 512
    steps: int = 20
    cfg_scale: float = 7.0
    sampler_name: str = "euler"
    scheduler: str = "normal"
    num_images: int = 1
    loras: tuple[Lora, ...] = ()
    init_image_file_id: str | None = None
    strength: float = 0.75


def choose_model(requested: str | None, catalogue: Catalogue) -> str:
    """Return the checkpoint to use: the requested one, with or without its ending, else the first.

    An unknown name is returned as it is, for `find_parameter_errors` to refuse.
    Raises NoModels where there is no checkpoint at all.
    """
    known = catalogue.checkpoints
    if not known:
        raise NoModels(
            "no ComfyUI server has a checkpoint: put a .safetensors file into "
            "ComfyUI/models/checkpoints, press R on ComfyUI's page or restart it, and try again"
        )
    if requested is None:
        return known[0]
    same_stem = [name for name in known if name.rpartition(".")[0] == requested]
    return same_stem[0] if requested not in known and len(same_stem) == 1 else requested


def check_parameters(
    parameters: GenerateParameters, catalogue: Catalogue, *, root: str = ""
) -> None:
    """Raise InvalidParameters if something is out of range or not offered by the servers."""
    errors = find_parameter_errors(parameters, catalogue, root=root)
    if errors:
        raise InvalidParameters(errors[0]["detail"], errors=errors)


def find_parameter_errors(
    parameters: GenerateParameters, catalogue: Catalogue, *, root: str = ""
) -> list[FieldError]:
    """Return all that is wrong, with pointers such as `/sampler_name` below `root`."""
    found = [
        *_check_texts(parameters),
        *_check_numbers(parameters),
        *_check_names(parameters, catalogue),
    ]
    for error in found:
        error["pointer"] = root + error["pointer"]
    return found


def _check_texts(parameters: GenerateParameters) -> Iterator[FieldError]:
    if not parameters.prompt.strip():
        yield FieldError(pointer="/prompt", detail="the prompt is empty")
    for name in ("prompt", "negative_prompt"):
        fault = find_text_fault(getattr(parameters, name), LONGEST_PROMPT)
        if fault is not None:
            yield FieldError(pointer=f"/{name}", detail=f"{name} {fault}")


def _check_numbers(parameters: GenerateParameters) -> Iterator[FieldError]:
    for name, allowed in RANGES.items():
        fault = find_range_fault(getattr(parameters, name), allowed)
        if fault is not None:
            yield FieldError(pointer=f"/{name}", detail=f"{name} {fault}")
    if len(parameters.loras) > MOST_LORAS:
        yield FieldError(pointer="/loras", detail=f"at most {MOST_LORAS} LoRAs are taken")
    for index, lora in enumerate(parameters.loras):
        fault = find_range_fault(lora.strength, LORA_STRENGTH)
        if fault is not None:
            yield FieldError(pointer=f"/loras/{index}/strength", detail=f"strength {fault}")


def find_range_fault(value: float, allowed: Range) -> str | None:
    """Return in words why the number is outside the range or off its steps, or None."""
    if not allowed.minimum <= value <= allowed.maximum:  # NaN is not, either
        return f"must be {allowed.minimum:.10g} to {allowed.maximum:.10g}, not {quote(value)}"
    if allowed.step and value % allowed.step:
        return f"must be divisible by {allowed.step}, not {quote(value)}"
    return None


def _check_names(parameters: GenerateParameters, catalogue: Catalogue) -> Iterator[FieldError]:
    yield from _check_choice("/model", parameters.model, catalogue.checkpoints)
    yield from _check_choice("/sampler_name", parameters.sampler_name, catalogue.samplers)
    yield from _check_choice("/scheduler", parameters.scheduler, catalogue.schedulers)
    for index, lora in enumerate(parameters.loras):
        yield from _check_choice(f"/loras/{index}/name", lora.name, catalogue.loras)


def _check_choice(pointer: str, name: str, choices: Sequence[str]) -> Iterator[FieldError]:
    if name not in choices:
        shown = list(choices[:MOST_CHOICES_SHOWN])
        detail = f"{quote(name)} is not offered" + ("; there is none" if not choices else "")
        yield FieldError(pointer=pointer, detail=detail, allowed=shown)
