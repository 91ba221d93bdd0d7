"""GET /models and /samplers: what the servers really have."""

from collections.abc import Container, Sequence

from fastapi import APIRouter

from comfyhoused.api.documented_problems import PROBLEMS
from comfyhoused.api.house import House, JobReader
from comfyhoused.api.key_secrets import KeyMode
from comfyhoused.api.model_schemas import ModelKind, ModelList, ModelResponse, SamplerList
from comfyhoused.core.workflows.catalogue import Catalogue
from comfyhoused.core.workflows.licences import is_sellable, keep_sellable
from comfyhoused.core.workflows.merged_offer import merge_offers
from comfyhoused.core.workflows.model_book import ModelBook
from comfyhoused.core.workflows.painters import find_reason, list_painters

router = APIRouter(tags=["Models"], responses=PROBLEMS)


@router.get("/models")
async def list_models(house: House, principal: JobReader) -> ModelList:
    """List the model files of the servers that work for this key, with their licences."""
    catalogues = await house.catalogues.list_catalogues(principal.mode)
    return describe_models(catalogues, house.models, principal.mode)


def describe_models(catalogues: Sequence[Catalogue], book: ModelBook, mode: KeyMode) -> ModelList:
    """Return the lists of what a key of this mode may use, and the facts of every model."""
    merged = merge_offers(catalogues)
    usable = merged if mode == "test" else keep_sellable(merged, book)
    painters = list_painters(catalogues, book)
    kinds: dict[ModelKind, tuple[str, ...]] = {
        "checkpoint": merged.checkpoints,
        "diffusion_model": merged.diffusion_models,
        "lora": merged.loras,
        "controlnet": merged.controlnets,
        "upscaler": merged.upscalers,
    }
    models = [
        _describe(name, kind, _find_reason(name, kind, merged, book, mode, painters.keys()), book)
        for kind, names in kinds.items()
        for name in names
    ]
    return ModelList(
        checkpoints=list(usable.checkpoints),
        diffusion_models=list(usable.diffusion_models),
        loras=list(usable.loras),
        controlnets=list(usable.controlnets),
        upscalers=list(usable.upscalers),
        models=models,
    )


def _find_reason(
    name: str,
    kind: ModelKind,
    merged: Catalogue,
    book: ModelBook,
    mode: KeyMode,
    painters: Container[str],
) -> str | None:
    """Return why the model is not offered, or None."""
    facts = book.get_facts(name)
    if mode == "live" and not is_sellable(name, book):
        return f"its licence forbids selling its pictures: {facts.licence or 'see its note'}"
    if kind in ("checkpoint", "diffusion_model") and name not in painters:
        return find_reason(name, merged, book)
    if kind == "controlnet" and not facts.controls:
        return "what it reads is not known; send a workflow"
    if kind == "upscaler" and facts.scale is None:
        return "its factor is not known; send a workflow"
    return None


def _describe(name: str, kind: ModelKind, reason: str | None, book: ModelBook) -> ModelResponse:
    facts = book.get_facts(name)
    return ModelResponse(
        name=name,
        kind=kind,
        family=facts.family,
        licence=facts.licence or None,
        licence_url=facts.licence_url or None,
        commercial=facts.commercial,
        note=facts.note or None,
        offered=reason is None,
        reason=reason,
    )


@router.get("/samplers")
async def list_samplers(house: House, principal: JobReader) -> SamplerList:
    """List the samplers and schedulers of the servers that work for this key."""
    catalogue = merge_offers(await house.catalogues.list_catalogues(principal.mode))
    return SamplerList(samplers=list(catalogue.samplers), schedulers=list(catalogue.schedulers))
