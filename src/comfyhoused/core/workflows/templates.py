"""The templates: graphs with declared inputs, and which families can be painted with on a fleet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from comfyhoused.core.workflows.catalogue import Catalogue
from comfyhoused.core.workflows.control import Control, list_offered_types
from comfyhoused.core.workflows.generate import build_graph
from comfyhoused.core.workflows.merged_offer import merge_offers
from comfyhoused.core.workflows.model_book import Family, ModelBook
from comfyhoused.core.workflows.painters import list_painters
from comfyhoused.core.workflows.parameters import GenerateParameters, InvalidParameters
from comfyhoused.core.workflows.upscale import Upscaling, build_upscale

TemplateName = Literal["text-to-image", "image-to-image", "inpaint", "controlnet", "upscale"]

_COMMON = (
    "negative_prompt", "width", "height", "steps", "cfg_scale", "sampler_name", "scheduler",
    "seed", "num_images", "model", "loras",
)  # fmt: skip
_CONTROL = ("controlnet_type", "control_image", "controlnet_strength", "controlnet_preprocess")
_FINISH = ("output_format", "quality", "watermark")
_PROBE = "file_probe"


@dataclass(frozen=True, slots=True)
class Template:
    """A way to make a picture. `inputs` are names of request fields, the `required` ones first."""

    name: TemplateName
    title: str
    about: str
    required: tuple[str, ...]
    optional: tuple[str, ...]

    @property
    def inputs(self) -> tuple[str, ...]:
        """Every field, in the order of a form."""
        return self.required + self.optional


@dataclass(frozen=True, slots=True)
class FamilyOffer:
    """Whether a template can paint with a family; `reason` says why not. Models best first."""

    family: Family
    models: tuple[str, ...]
    reason: str = ""


_ALL = (
    Template(
        "text-to-image",
        "Text to image",
        "A picture from words.",
        ("prompt",),
        (*_COMMON, *_FINISH),
    ),
    Template(
        "image-to-image",
        "Image to image",
        "A picture painted over another one; `strength` says how much of that is forgotten.",
        ("prompt", "init_image"),
        ("strength", *_COMMON, *_CONTROL, *_FINISH),
    ),
    Template(
        "inpaint",
        "Inpaint",
        "A part of a picture painted anew: white in the mask is edited, and where it is black "
        "not one pixel changes.",
        ("prompt", "init_image", "mask_image"),
        ("strength", *_COMMON, *_CONTROL, *_FINISH),
    ),
    Template(
        "controlnet",
        "ControlNet",
        "A picture from words that follows the edges, the depth, the pose … of another one.",
        ("prompt", "controlnet_type", "control_image"),
        (*_CONTROL[2:], *_COMMON, *_FINISH),
    ),
    Template(
        "upscale",
        "Upscale",
        "A picture enlarged two or four times, by a model where the servers have one, else by "
        "careful resampling.",
        ("image",),
        ("factor", "model", *_FINISH),
    ),
)
TEMPLATES: Mapping[str, Template] = {template.name: template for template in _ALL}


def list_family_offers(
    template: Template, catalogues: Sequence[Catalogue], book: ModelBook
) -> list[FamilyOffer]:
    """Return for every family whether the servers can run the template with it."""
    painters = list_painters(catalogues, book)
    offers = []
    for family in book.families.values():
        models = tuple(name for name, one in painters.items() if one.family == family)
        reason = "no server has a model of this family"
        if models:
            reason = _find_reason(template, family, models[0], catalogues, book)
        offers.append(FamilyOffer(family, models, reason))
    return offers


def find_upscale_reason(catalogues: Sequence[Catalogue], book: ModelBook) -> str:
    """Return why nothing can be enlarged here, or an empty text."""
    try:
        build_upscale(Upscaling(_PROBE, 64, 64, 2), catalogues, book)
    except InvalidParameters as error:
        return error.detail
    return ""


def _find_reason(
    template: Template,
    family: Family,
    model: str,
    catalogues: Sequence[Catalogue],
    book: ModelBook,
) -> str:
    """Build the template's graph for the family as a request would; return what is in the way."""
    merged = merge_offers(catalogues)
    parameters = GenerateParameters(
        prompt="a probe",
        model=model,
        seed=0,
        sampler_name=next(iter(merged.samplers), ""),
        scheduler=next(iter(merged.schedulers), ""),
    )
    if template.name in ("image-to-image", "inpaint"):
        parameters = replace(parameters, init_image_file_id=_PROBE, image_size=(500, 500))
    if template.name == "inpaint":
        parameters = replace(parameters, mask_file_id=_PROBE)
    if template.name == "controlnet":
        types = list_offered_types(catalogues, book, family)
        if not types:
            return "no server has a ControlNet for this family"
        parameters = replace(parameters, control=Control(types[0], _PROBE))
    try:
        build_graph(parameters, catalogues, book)
    except InvalidParameters as error:
        return error.detail
    return ""
