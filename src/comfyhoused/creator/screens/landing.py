"""/creator: what Creator does, shown on real samples. Anybody may open it."""

from collections.abc import Sequence

from fastapi import APIRouter
from fastapi.responses import Response

from comfyhoused.creator.screens.pages import render_open
from comfyhoused.creator.screens.preset_views import PresetView, SampleView, view_presets
from comfyhoused.creator.visitors import AnyGuest

router = APIRouter(include_in_schema=False)


@router.get("/creator")
async def show_landing(guest: AnyGuest) -> Response:
    """Show the landing page."""
    presets = view_presets(guest.house.presets)
    plans = guest.house.plans.list_offered()
    return render_open(
        guest,
        "landing.html",
        presets=presets,
        heroes=choose_heroes(presets),
        plans=plans,
        free=plans[0],
        has_local=guest.house.settings.local_sources_dir is not None,
    )


def choose_heroes(presets: Sequence[PresetView]) -> list[SampleView]:
    """Return one sample of each preset; the boldest comes first and stands in the arch."""
    samples = [preset.samples[0] for preset in presets if preset.samples]
    return sorted(samples, key=lambda one: -one.strength)
