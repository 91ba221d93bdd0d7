"""The parameters of generate and their ranges. What servers must have for them: `offer`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from comfyhoused.core.workflows.control import Control
from comfyhoused.core.workflows.quoting import find_text_fault, quote
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
CONTROL_STRENGTH = Range(0, 2)
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

    With `init_image_file_id` it is image to image: `strength` 0 keeps the picture, 1 forgets it;
    with `mask_file_id` besides only where the mask is not black, and the result has the size of
    the picture, `image_size` as it is shown: `width` and `height` are what the model paints.
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
    mask_file_id: str | None = None
    image_size: tuple[int, int] | None = None
    control: Control | None = None


def choose_model(requested: str | None, offered: Sequence[str]) -> str:
    """Return the model to use: the requested one, with or without its ending, else the first.

    An unknown name is returned as it is, for `find_offer_errors` to refuse.
    Raises NoModels where none is offered at all.
    """
    if not offered:
        raise NoModels(
            "no ComfyUI server has a checkpoint that you may use: put a .safetensors file into "
            "ComfyUI/models/checkpoints, press R on ComfyUI's page or restart it, and try again"
        )
    if requested is None:
        return offered[0]
    same_stem = [name for name in offered if name.rpartition(".")[0] == requested]
    return same_stem[0] if requested not in offered and len(same_stem) == 1 else requested


def find_range_errors(parameters: GenerateParameters) -> list[FieldError]:
    """Return what is out of range or unfit to be sent, with pointers such as `/steps`."""
    return [*_check_texts(parameters), *_check_numbers(parameters), *_check_control(parameters)]


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


def _check_control(parameters: GenerateParameters) -> Iterator[FieldError]:
    if parameters.control is None:
        return
    fault = find_range_fault(parameters.control.strength, CONTROL_STRENGTH)
    if fault is not None:
        yield FieldError(pointer="/controlnet_strength", detail=f"controlnet_strength {fault}")
