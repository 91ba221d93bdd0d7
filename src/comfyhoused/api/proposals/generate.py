"""A picture from parameters."""

import secrets
from dataclasses import replace
from typing import Any

from comfyhoused.api.house import ApiHouse, Principal
from comfyhoused.api.pictures_in import carries_picture, resolve_picture
from comfyhoused.api.proposals.proposal import Proposal
from comfyhoused.api.schemas import GenerateRequest, JobOptions
from comfyhoused.core.workflows.catalogue import merge_catalogues
from comfyhoused.core.workflows.cost import count_units
from comfyhoused.core.workflows.generate import build_graph_on_any
from comfyhoused.core.workflows.parameters import (
    GenerateParameters,
    Lora,
    check_parameters,
    choose_model,
)

_MOST_SEEDS = 2**32


async def propose_generate(
    house: ApiHouse, principal: Principal, request: GenerateRequest
) -> Proposal:
    """Return the picture job that the parameters ask for; raises what is wrong with them."""
    catalogues = await house.catalogues.list_catalogues(principal.mode)
    catalogue = merge_catalogues(catalogues)
    parameters = _make_parameters(request, choose_model(request.model, catalogue))
    check_parameters(parameters, catalogue)
    file_id = ""
    if request.init_image is not None:
        file_id = await resolve_picture(house, principal, request.init_image, pointer="/init_image")
        parameters = replace(parameters, init_image_file_id=file_id)
    return Proposal(
        request=request,
        kind="generate",
        template="image-to-image" if file_id else "text-to-image",
        workflow=build_graph_on_any(parameters, catalogues),
        units=count_units(
            width=parameters.width,
            height=parameters.height,
            steps=parameters.steps,
            num_images=parameters.num_images,
        ),
        model=parameters.model,
        parameters=_describe(request, parameters),
        carried=(file_id,) if carries_picture(request.init_image) else (),
    )


def _make_parameters(request: GenerateRequest, model: str) -> GenerateParameters:
    return GenerateParameters(
        prompt=request.prompt,
        model=model,
        seed=secrets.randbelow(_MOST_SEEDS) if request.seed is None else request.seed,
        negative_prompt=request.negative_prompt,
        width=request.width,
        height=request.height,
        steps=request.steps,
        cfg_scale=request.cfg_scale,
        sampler_name=request.sampler_name,
        scheduler=request.scheduler,
        num_images=request.num_images,
        loras=tuple(Lora(lora.name, lora.strength) for lora in request.loras),
        strength=request.strength,
    )


def _describe(request: GenerateRequest, parameters: GenerateParameters) -> dict[str, Any]:
    """Return the parameters as they were resolved, to be shown with the job."""
    shown = request.model_dump(exclude=set(JobOptions.model_fields) | {"init_image"})
    shown |= {"seed": parameters.seed, "model": parameters.model}
    if parameters.init_image_file_id is not None:
        shown["init_image"] = parameters.init_image_file_id
    return shown
