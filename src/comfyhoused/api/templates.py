"""GET /templates: the ways to make a picture, with the choices that there really are."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter

from comfyhoused.api.documented_problems import NOT_FOUND, PROBLEMS
from comfyhoused.api.house import House, JobReader
from comfyhoused.api.proposals.offer import list_offer
from comfyhoused.api.template_inputs import get_template, make_input_schema
from comfyhoused.api.template_schemas import (
    ControlResponse,
    FamilyResponse,
    TemplateDetail,
    TemplateList,
    TemplateResponse,
)
from comfyhoused.core.workflows.catalogue import Catalogue
from comfyhoused.core.workflows.control import (
    list_models,
    list_offered_types,
    list_preprocessed_types,
)
from comfyhoused.core.workflows.merged_offer import merge_offers
from comfyhoused.core.workflows.model_book import ModelBook
from comfyhoused.core.workflows.templates import (
    TEMPLATES,
    FamilyOffer,
    Template,
    find_upscale_reason,
    list_family_offers,
)
from comfyhoused.core.workflows.upscale import list_upscalers

router = APIRouter(prefix="/templates", tags=["Models"], responses=PROBLEMS)


@router.get("")
async def list_templates(house: House, principal: JobReader) -> TemplateList:
    """List the ways to make a picture, and whether the servers have what each takes."""
    catalogues = await list_offer(house, principal.mode)
    return TemplateList(
        templates=[describe_template(one, catalogues, house.models) for one in TEMPLATES.values()]
    )


@router.get("/{name}", responses=NOT_FOUND)
async def get_one_template(house: House, principal: JobReader, name: str) -> TemplateDetail:
    """Show a template with its inputs: a JSON Schema with the choices that there really are."""
    template = get_template(name)
    catalogues = await list_offer(house, principal.mode)
    return detail_template(template, catalogues, house.models)


def describe_template(
    template: Template, catalogues: Sequence[Catalogue], book: ModelBook
) -> TemplateResponse:
    """Return whether the servers of these catalogues offer the template, and how."""
    if template.name == "upscale":
        families, upscalers = [], list_upscalers(catalogues, book)
        reason = find_upscale_reason(catalogues, book)
    else:
        families, upscalers = list_family_offers(template, catalogues, book), []
        reasons = [one.reason for one in families]
        reason = "" if "" in reasons else reasons[0]
    return TemplateResponse(
        name=template.name,
        title=template.title,
        about=template.about,
        operation=f"POST /api/v1/{'upscale' if template.name == 'upscale' else 'generate'}",
        offered=not reason,
        reason=reason or None,
        families=[_render_family(one) for one in families],
        upscalers=upscalers,
    )


def detail_template(
    template: Template, catalogues: Sequence[Catalogue], book: ModelBook
) -> TemplateDetail:
    """Return the same with the schema of the inputs."""
    described = describe_template(template, catalogues, book)
    merged = merge_offers(catalogues)
    models = [model for one in described.families if one.offered for model in one.models]
    choices = {
        "model": models or described.upscalers,
        "sampler_name": merged.samplers,
        "scheduler": merged.schedulers,
        "controlnet_type": list_offered_types(catalogues, book),
    }
    return TemplateDetail(
        **described.model_dump(),
        inputs=make_input_schema(template, choices, merged.loras),
        controls=_list_controls(catalogues, book) if "controlnet_type" in template.inputs else [],
    )


def _render_family(offer: FamilyOffer) -> FamilyResponse:
    defaults: dict[str, Any] = offer.family.defaults.model_dump(exclude_none=True)
    return FamilyResponse(
        family=offer.family.name,
        title=offer.family.title,
        offered=not offer.reason,
        reason=offer.reason or None,
        models=list(offer.models),
        defaults=defaults,
    )


def _list_controls(catalogues: Sequence[Catalogue], book: ModelBook) -> list[ControlResponse]:
    preprocessed = set(list_preprocessed_types(catalogues, book))
    controls = []
    for name, kind in book.controls.items():
        models = {
            family.name: [
                model for one in catalogues for model in list_models(name, family, one, book)
            ]
            for family in book.families.values()
        }
        controls.append(
            ControlResponse(
                type=name,
                title=kind.title,
                offered=any(models.values()),
                families=[family for family, found in models.items() if found],
                models=list(dict.fromkeys(model for found in models.values() for model in found)),
                preprocessed=name in preprocessed,
            )
        )
    return controls
