"""/creator/sources/{id}: how photos of one folder are edited and named."""

from dataclasses import replace

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.datastructures import FormData

from comfyhoused.core.photos.naming import check_template
from comfyhoused.creator.presets.book import PresetUnknown
from comfyhoused.creator.presets.parameters import check_parameters
from comfyhoused.creator.presets.preset import FULL_STRENGTH
from comfyhoused.creator.screens.pages import go_to, render_screen
from comfyhoused.creator.screens.preset_views import list_titles, read_choice, view_presets
from comfyhoused.creator.screens.said import say_at
from comfyhoused.creator.screens.source_views import SourceView, list_sources
from comfyhoused.creator.sources.sources import SourceNotFound, change_source
from comfyhoused.creator.visitors import SignedInUser, Visitor
from comfyhoused.kit.errors import ComfyhouseError

router = APIRouter(prefix="/creator/sources", include_in_schema=False)


@router.get("/{source_id}")
async def show_source(visitor: SignedInUser, source_id: str) -> Response:
    """Show a folder's settings."""
    return await _render(visitor, await _get_source(visitor, source_id))


@router.post("/{source_id}")
async def save_source(visitor: SignedInUser, source_id: str, request: Request) -> Response:
    """Keep how photos of this folder are edited and named from now on."""
    form = await request.form()
    visitor.check_form(str(form.get("token", "")))
    source = await _get_source(visitor, source_id)
    try:
        changes = _read_changes(visitor, form)
        async with visitor.house.database.begin() as session:
            await change_source(session, visitor.user.id, source_id, changes)
    except SourceNotFound:
        raise
    except ComfyhouseError as fault:
        return await _render(visitor, _fill_in(visitor, source, form), fault)
    return go_to(say_at(f"/creator/sources/{source_id}", "saved"))


def _read_changes(visitor: Visitor, form: FormData) -> dict[str, object]:
    presets = visitor.house.presets
    choice = read_choice(form, presets)
    preset = presets.get(choice.preset)
    return {
        "preset": choice.preset,
        "strength": choice.strength,
        "parameters": check_parameters(preset, choice.strength, choice.parameters),
        "name_template": check_template(str(form.get("name_template", ""))),
        "approves_first": bool(form.get("approves_first")),
        "has_subfolders": bool(form.get("has_subfolders")),
    }


def _fill_in(visitor: Visitor, source: SourceView, form: FormData) -> SourceView:
    """Return the folder as the form says it: what was typed is not lost over what is wrong."""
    filled = replace(
        source,
        name_template=str(form.get("name_template", "")),
        approves_first=bool(form.get("approves_first")),
        has_subfolders=bool(form.get("has_subfolders")),
    )
    try:
        choice = read_choice(form, visitor.house.presets)
    except PresetUnknown:
        return filled
    strength = min(max(choice.strength, 0), FULL_STRENGTH)
    return replace(filled, preset=choice.preset, strength=strength, parameters=choice.parameters)


async def _get_source(visitor: Visitor, source_id: str) -> SourceView:
    titles = list_titles(visitor.house.presets)
    async with visitor.house.database.begin() as session:
        sources = await list_sources(session, visitor.user.id, titles)
    for source in sources:
        if source.id == source_id:
            return source
    raise SourceNotFound("It may have been removed.")


async def _render(
    visitor: Visitor, source: SourceView, fault: ComfyhouseError | None = None
) -> Response:
    return await render_screen(
        visitor,
        "source.html",
        nav="Folders",
        status_code=fault.status if fault else 200,
        source=source,
        fault=fault,
        presets=view_presets(visitor.house.presets),
    )
