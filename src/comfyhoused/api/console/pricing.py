"""/pricing: what both products cost. The API's plans come from the plans file."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from comfyhoused.api.console.pages import render_page
from comfyhoused.api.house import House
from comfyhoused.api.plans import FEATURES, Feature, Plan
from comfyhoused.web.plan_cards import PlanCard
from comfyhoused.web.words import format_count

router = APIRouter(include_in_schema=False)

FEATURE_WORDS: dict[Feature, str] = {
    "webhooks": "Webhooks",
    "controlnet": "ControlNet",
    "priority": "Order among your own jobs",
    "registered_workflows": "Workflows of your own, with typed inputs",
}
#: Whom the plans of our own file are for; an operator's own plans say nothing here.
_WHO = {
    "free": "See whether it suits your work.",
    "starter": "For a first product with customers.",
    "pro": "For a product that pictures are part of.",
    "business": "For pipelines of your own.",
}


#: What Creator will cost where it is not open yet; else its own plans are shown.
_CREATOR_PLANS = (
    PlanCard("Free", 0, 10, None, "See whether the presets suit your work."),
    PlanCard("Creator", 2900, 100, 50, "For one photographer or a small shop."),
    PlanCard("Studio", 9900, 500, 30, "For a catalogue that keeps growing."),
)


@router.get("/pricing")
async def show_pricing(request: Request, house: House) -> Response:
    """Show the plans that anybody may choose."""
    plans = house.plans.list_offered()
    return render_page(
        request,
        house,
        "pricing.html",
        here="Pricing",
        plans=plans,
        ticks={plan.name: list_ticks(plan) for plan in plans},
        who=_WHO,
        units=house.plans.units,
        creator_plans=getattr(request.app.state, "creator_plans", None) or _CREATOR_PLANS,
    )


def list_ticks(plan: Plan) -> list[str]:
    """Return what a plan holds, a line each."""
    rate = plan.requests_per_second
    shown = format_count(int(rate)) if rate >= 1 else f"{rate:g}"
    ticks = [
        f"{shown} request{'' if rate == 1 else 's'} a second",
        f"{format_count(plan.concurrency)} job{'' if plan.concurrency == 1 else 's'} at a time",
        f"Pictures kept {plan.retention_days} days",
    ]
    ticks += [FEATURE_WORDS[feature] for feature in FEATURES if plan.has(feature)]
    ticks.append("A small mark on pictures" if plan.mark else "No mark on pictures")
    return ticks
