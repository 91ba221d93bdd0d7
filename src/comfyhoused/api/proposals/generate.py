"""A picture from parameters."""

import secrets
from dataclasses import replace
from typing import Any

from comfyhoused.api.house import ApiHouse, Principal
from comfyhoused.api.job_requests import GenerateRequest, JobOptions
from comfyhoused.api.proposals.finish import make_finish
from comfyhoused.api.proposals.offer import list_offer
from comfyhoused.api.proposals.pictures import Pictures, take_pictures
from comfyhoused.api.proposals.proposal import Proposal
from comfyhoused.core.workflows.control import Control
from comfyhoused.core.workflows.cost import UnitTable, count_units
from comfyhoused.core.workflows.delivered_size import find_size_errors
from comfyhoused.core.workflows.generate import build_graph, check_parameters
from comfyhoused.core.workflows.model_book import ModelBook, ModelDefaults
from comfyhoused.core.workflows.painters import list_painters
from comfyhoused.core.workflows.parameters import (
    GenerateParameters,
    InvalidParameters,
    Lora,
    choose_model,
)
from comfyhoused.core.workflows.working_size import choose_size
from comfyhoused.kit.errors import FieldError

_MOST_SEEDS = 2**32
_PICTURE_FIELDS = ("init_image", "mask_image", "control_image")
_PLAIN = ModelDefaults(
    width=512, height=512, steps=20, cfg_scale=7.0, sampler_name="euler", scheduler="normal"
)


async def propose_generate(
    house: ApiHouse, principal: Principal, request: GenerateRequest
) -> Proposal:
    """Return the picture job that the parameters ask for; raises what is wrong with them."""
    _check_fields(request)
    if request.controlnet_type is not None:
        house.plans.require_feature(principal.plan, "controlnet")
    book = house.models
    named = {f"/loras/{index}/name": lora.name for index, lora in enumerate(request.loras)}
    catalogues = await list_offer(house, principal.mode, {"/model": request.model, **named})
    model = choose_model(request.model, list(list_painters(catalogues, book)))
    parameters = _make_parameters(request, model, _find_defaults(model, book))
    # Before any picture is fetched: most of what can be wrong needs none.
    check_parameters(parameters, catalogues, book)
    fields = {name: getattr(request, name) for name in _PICTURE_FIELDS}
    async with take_pictures(house, principal, fields) as pictures:
        parameters = _add_pictures(parameters, request, pictures)
        return Proposal(
            request=request,
            kind="generate",
            template=name_template(request),
            workflow=build_graph(parameters, catalogues, book),
            units=_count_units(parameters, house.plans.units),
            model=parameters.model,
            parameters=_describe(request, parameters, pictures),
            carried=pictures.carried,
            finish=make_finish(house, principal, request),
        )


def name_template(request: GenerateRequest) -> str:
    """Return what the request is counted by: what it starts from decides."""
    if request.mask_image is not None:
        return "inpaint"
    if request.init_image is not None:
        return "image-to-image"
    return "controlnet" if request.controlnet_type is not None else "text-to-image"


def _check_fields(request: GenerateRequest) -> None:
    """Raise InvalidParameters for a field that means nothing without another one."""
    errors = []
    if request.mask_image is not None and request.init_image is None:
        detail = "mask_image says what of init_image is painted; send init_image as well"
        errors.append(FieldError(pointer="/init_image", detail=detail))
    if (request.control_image is None) != (request.controlnet_type is None):
        missing = "control_image" if request.control_image is None else "controlnet_type"
        detail = f"control_image and controlnet_type go together; {missing} is missing"
        errors.append(FieldError(pointer=f"/{missing}", detail=detail))
    if errors:
        raise InvalidParameters(errors[0]["detail"], errors=errors)


def _find_defaults(model: str, book: ModelBook) -> ModelDefaults:
    """Return the model's own defaults over its family's over the house's."""
    family = book.find_family(model)
    own = book.get_facts(model).defaults.model_dump(exclude_none=True)
    theirs = family.defaults.model_dump(exclude_none=True) if family else {}
    return _PLAIN.model_copy(update={**theirs, **own})


def _make_parameters(
    request: GenerateRequest, model: str, defaults: ModelDefaults
) -> GenerateParameters:
    """Return the parameters before any picture was looked at."""
    said = request.model_dump(
        include=set(ModelDefaults.model_fields) - {"width", "height"}, exclude_none=True
    )
    resolved = defaults.model_dump() | said
    default = (resolved.pop("width"), resolved.pop("height"))
    width, height = choose_size(request.width, request.height, None, default)
    control = None
    if request.controlnet_type is not None:
        control = Control(
            type=request.controlnet_type,
            file_id="",
            strength=request.controlnet_strength,
            preprocess=request.controlnet_preprocess,
        )
    return GenerateParameters(
        **resolved,
        prompt=request.prompt,
        model=model,
        seed=secrets.randbelow(_MOST_SEEDS) if request.seed is None else request.seed,
        negative_prompt=request.negative_prompt,
        width=width,
        height=height,
        num_images=request.num_images,
        loras=tuple(Lora(lora.name, lora.strength) for lora in request.loras),
        strength=request.strength,
        control=control,
    )


def _add_pictures(
    parameters: GenerateParameters, request: GenerateRequest, pictures: Pictures
) -> GenerateParameters:
    """Return the parameters with the files, and with the size that follows from them."""
    ids = {name: file.id for name, file in pictures.files.items()}
    image_size = pictures.find_size("init_image")
    shape = image_size or pictures.find_size("control_image")
    width, height = choose_size(
        request.width, request.height, shape, (parameters.width, parameters.height)
    )
    _check_sizes(request, pictures)
    control = parameters.control
    return replace(
        parameters,
        width=width,
        height=height,
        image_size=image_size,
        init_image_file_id=ids.get("init_image"),
        mask_file_id=ids.get("mask_image"),
        control=replace(control, file_id=ids["control_image"]) if control is not None else None,
    )


def _check_sizes(request: GenerateRequest, pictures: Pictures) -> None:
    """Raise InvalidParameters for a mask of another shape (another size of it is stretched), and
    for more pixels than are handed over: inpainting gives pictures of the size of init_image.
    """
    image, mask = pictures.find_size("init_image"), pictures.find_size("mask_image")
    if image is None or mask is None:
        return
    errors = list(
        find_size_errors(
            *image,
            count=request.num_images,
            output_format=request.output_format,
            pointer="/init_image",
        )
    )
    if abs(image[0] * mask[1] - image[1] * mask[0]) > max(*image, *mask):
        detail = (
            f"mask_image is {mask[0]} × {mask[1]}, init_image {image[0]} × {image[1]}: "
            "they must have the same shape"
        )
        errors.append(FieldError(pointer="/mask_image", detail=detail))
    if errors:
        raise InvalidParameters(errors[0]["detail"], errors=errors)


def _count_units(parameters: GenerateParameters, table: UnitTable) -> int:
    return count_units(
        width=parameters.width,
        height=parameters.height,
        steps=parameters.steps,
        num_images=parameters.num_images,
        table=table,
    )


def _describe(
    request: GenerateRequest, parameters: GenerateParameters, pictures: Pictures
) -> dict[str, Any]:
    """Return the parameters as they were resolved, to be shown with the job."""
    shown = request.model_dump(exclude=set(JobOptions.model_fields) | set(_PICTURE_FIELDS))
    for name in ("seed", "model", *ModelDefaults.model_fields):
        shown[name] = getattr(parameters, name)
    return shown | {name: file.id for name, file in pictures.files.items()}
