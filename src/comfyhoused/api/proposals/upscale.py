"""A picture to be enlarged."""

from typing import Any

from comfyhoused.api.house import ApiHouse, Principal
from comfyhoused.api.job_requests import UpscaleRequest
from comfyhoused.api.proposals.finish import make_finish
from comfyhoused.api.proposals.offer import list_offer
from comfyhoused.api.proposals.pictures import Pictures, take_pictures
from comfyhoused.api.proposals.proposal import Proposal
from comfyhoused.core.workflows.cost import count_upscale_units
from comfyhoused.core.workflows.upscale import (
    Upscaling,
    build_upscale,
    choose_upscaler,
    list_upscalers,
)


async def propose_upscale(
    house: ApiHouse, principal: Principal, request: UpscaleRequest
) -> Proposal:
    """Return the job that enlarges the picture; raises what is wrong with the request."""
    book = house.models
    catalogues = await list_offer(house, principal.mode, {"/model": request.model})
    offered = list_upscalers(catalogues, book)
    model = choose_upscaler(request.model, request.factor, offered, book)
    async with take_pictures(house, principal, {"image": request.image}) as pictures:
        wanted = _make_upscaling(request, model, pictures)
        return Proposal(
            request=request,
            kind="upscale",
            template="upscale",
            workflow=build_upscale(wanted, catalogues, book),
            units=count_upscale_units(wanted.output_pixels, house.plans.units),
            model=model,
            parameters=_describe(request, wanted),
            carried=pictures.carried,
            finish=make_finish(house, principal, request),
        )


def _make_upscaling(request: UpscaleRequest, model: str, pictures: Pictures) -> Upscaling:
    file = pictures.files["image"]
    width, height = pictures.find_size("image") or (1, 1)
    return Upscaling(file.id, width, height, request.factor, model, request.output_format)


def _describe(request: UpscaleRequest, wanted: Upscaling) -> dict[str, Any]:
    """Return what is done, to be shown with the job: `method` says whether a model does it."""
    return {
        "image": wanted.file_id,
        "factor": wanted.factor,
        "width": wanted.width * wanted.factor,
        "height": wanted.height * wanted.factor,
        "method": "model" if wanted.model else "resampling",
        "model": wanted.model or None,
        "output_format": request.output_format,
        "quality": request.quality,
        "watermark": request.watermark,
    }
