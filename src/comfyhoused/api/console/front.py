"""The first page: what this is, what it can do here and now, what is running."""

from typing import Any

from fastapi import APIRouter, Request, Response

from comfyhoused.adapters.redis.client import StoreUnavailable
from comfyhoused.api.console.overview import look_around
from comfyhoused.api.console.pages import PAGES, render_page
from comfyhoused.api.console.recipes import RECIPES
from comfyhoused.api.console.sample import SAMPLE
from comfyhoused.api.console.shapes import SHAPES
from comfyhoused.api.console.views import JobView, view_job
from comfyhoused.api.console.visitors import OWNERS, PageVisitor, find_reason_closed
from comfyhoused.api.house import ApiHouse, House
from comfyhoused.api.job_requests import GenerateRequest
from comfyhoused.core.jobs.listing import list_jobs
from comfyhoused.core.jobs.states import JobState
from comfyhoused.web.assets import ASSETS

router = APIRouter(include_in_schema=False)

_MOST_RECENT = 6
#: The words in the form, and what they gave: img/first-light.jpg is this very picture.
EXAMPLE = GenerateRequest(
    prompt="Fog lifting off three mountain ridges at first light, a low sun",
    width=640,
    height=800,
    seed=7,
)


@router.get("/")
async def show_front(request: Request, house: House) -> Response:
    """Show the front page; it opens even while the store is away."""
    is_open = find_reason_closed(request, house.resources.settings) is None
    context: dict[str, Any] = {
        "overview": await look_around(house),
        "recipes": list(RECIPES.values()),
        "sample_url": ASSETS.get_url(SAMPLE),
        "shapes": SHAPES,
        "recent": await _list_recent(house) if is_open else [],
        "settings": house.resources.settings,
        "example": EXAMPLE,
        "key_file": house.resources.settings.house.data_dir / "demo-key" if is_open else None,
    }
    return render_page(request, house, "front.html", **context)


@router.get("/page/house")
async def show_house(visitor: PageVisitor) -> Response:
    """Give the part of the page that says what is running, to be put in its place."""
    overview = await look_around(visitor.house)
    token = visitor.guard.make_token(visitor.visit)
    return PAGES.render("_house.html", overview=overview, token=token, closed=None)


@router.get("/page/places")
async def show_places(visitor: PageVisitor) -> Response:
    """Give the choice of where to work, for after a server was connected."""
    return PAGES.render("_places.html", overview=await look_around(visitor.house))


@router.get("/page/recent")
async def show_recent(visitor: PageVisitor) -> Response:
    """Give the strip of the newest pictures."""
    return PAGES.render("_recent.html", recent=await _list_recent(visitor.house))


@router.get("/static/{version}/{name:path}")
async def get_asset(version: str, name: str) -> Response:
    """Give a file of the look."""
    return ASSETS.get_response(version, name)


async def _list_recent(house: ApiHouse) -> list[JobView]:
    try:
        pages = [
            await list_jobs(
                house.resources.store,
                owner,
                limit=_MOST_RECENT,
                cursor=None,
                state=JobState.SUCCEEDED,
            )
            for owner in OWNERS
        ]
    except StoreUnavailable:
        return []
    jobs = sorted((job for page in pages for job in page.items), key=lambda job: job.created_at)
    views = [view_job(job) for job in reversed(jobs)]
    return [view for view in views if view.pictures][:_MOST_RECENT]
