"""GET /models and /samplers: what the servers really have."""

from fastapi import APIRouter

from comfyhoused.api.house import House, JobReader
from comfyhoused.api.schemas import PROBLEMS, ModelList, SamplerList
from comfyhoused.core.workflows.catalogue import merge_catalogues

router = APIRouter(tags=["Models"], responses=PROBLEMS)


@router.get("/models")
async def list_models(house: House, principal: JobReader) -> ModelList:
    """List the model files of the servers that work for this key."""
    catalogue = merge_catalogues(await house.catalogues.list_catalogues(principal.mode))
    return ModelList(
        checkpoints=list(catalogue.checkpoints),
        loras=list(catalogue.loras),
        controlnets=list(catalogue.controlnets),
        upscalers=list(catalogue.upscalers),
    )


@router.get("/samplers")
async def list_samplers(house: House, principal: JobReader) -> SamplerList:
    """List the samplers and schedulers of the servers that work for this key."""
    catalogue = merge_catalogues(await house.catalogues.list_catalogues(principal.mode))
    return SamplerList(samplers=list(catalogue.samplers), schedulers=list(catalogue.schedulers))
