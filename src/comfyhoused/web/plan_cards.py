"""A plan as the page of prices shows it, whichever product it is of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlanCard:
    """What a month costs and holds; money in US cents. `extra_cents` of None: then it stops."""

    title: str
    price_cents: int
    photos: int
    extra_cents: int | None
    who: str
