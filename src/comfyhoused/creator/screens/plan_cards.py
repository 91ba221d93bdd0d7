"""Creator's plans for the page of prices, which belongs to the whole house."""

from comfyhoused.creator.house import CreatorHouse
from comfyhoused.web.plan_cards import PlanCard


def list_plan_cards(house: CreatorHouse) -> list[PlanCard]:
    """Return the plans that anybody may choose."""
    return [
        PlanCard(plan.title, plan.price_cents, plan.included, plan.overage_cents, plan.summary)
        for plan in house.plans.list_offered()
    ]
