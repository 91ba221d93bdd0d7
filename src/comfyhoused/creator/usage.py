"""Where a user stands in a month, from its sums and the plan."""

from dataclasses import dataclass

from comfyhoused.creator.plans import CreatorPlan


@dataclass(frozen=True, slots=True)
class Usage:
    """Where a user stands in a month. `left` counts what the plan still includes.

    `taken` is what counts against the plan: reserved and charged, without what was credited.
    `overage_units` and `overage_cents` are what was charged beyond the plan so far.
    """

    period: str
    plan: CreatorPlan
    reserved: int
    charged: int
    credited: int
    cap_cents: int

    @property
    def included(self) -> int:
        return self.plan.included

    @property
    def used(self) -> int:
        return self.charged - self.credited

    @property
    def taken(self) -> int:
        return self.reserved + self.used

    @property
    def left(self) -> int:
        return max(0, self.included - self.taken)

    @property
    def overage_units(self) -> int:
        return max(0, self.used - self.included)

    @property
    def overage_cents(self) -> int:
        return self.overage_units * (self.plan.overage_cents or 0)

    @property
    def allowance(self) -> int:
        """How many more edits can be begun now: included ones, and those the cap pays for."""
        if self.plan.overage_cents is None:
            return self.left
        paid = self.cap_cents // self.plan.overage_cents
        return max(0, self.included + paid - self.taken)
