"""Where a user stands in a month, from its sums and the plan."""

from dataclasses import dataclass

from comfyhoused.creator.plans import CreatorPlan
from comfyhoused.creator.tables import Book


@dataclass(frozen=True, slots=True)
class Usage:
    """Where a user stands in a month, as `book` was when it was read.

    `left` counts what the plan still includes; `taken` what was reserved and charged, without what
    was credited. What was charged beyond a plan costs what was agreed for it, whatever `plan` is
    by now: it counts for what is begun from here on.
    """

    book: Book
    plan: CreatorPlan
    cap_cents: int

    @property
    def period(self) -> str:
        return self.book.period

    @property
    def reserved(self) -> int:
        return self.book.reserved

    @property
    def charged(self) -> int:
        return self.book.charged

    @property
    def credited(self) -> int:
        return self.book.credited

    @property
    def overage_units(self) -> int:
        return self.book.beyond

    @property
    def overage_cents(self) -> int:
        return self.book.owed_cents

    @property
    def included(self) -> int:
        """What the plan includes, and what was given back of months that are over."""
        return self.plan.included + max(0, self.credited - self.charged)

    @property
    def used(self) -> int:
        return max(0, self.charged - self.credited)

    @property
    def taken(self) -> int:
        return self.reserved + self.used

    @property
    def room(self) -> int:
        """What the plan still includes; below 0 where more was used under a larger plan."""
        return count_room(self.book, self.plan.included)

    @property
    def left(self) -> int:
        return max(0, self.room)

    @property
    def allowance(self) -> int:
        """How many more edits can be begun now: included ones, and those the cap pays for."""
        return self.left + self._count_payable(self.book.held_cents)

    @property
    def highest_overage(self) -> int:
        """How many edits beyond the plan the cap pays for in all, with those that were charged."""
        return self.overage_units + self._count_payable(0)

    @property
    def can_give_back(self) -> bool:
        """Whether “looks wrong” still gives units back: as many a month as the plan says."""
        return self.credited < self.plan.most_given_back

    def _count_payable(self, held_cents: int) -> int:
        if self.plan.overage_cents is None:
            return 0
        return max(0, (self.cap_cents - self.overage_cents - held_cents) // self.plan.overage_cents)


def count_room(book: Book, included: int) -> int:
    """Return how many units a month still includes, if its plan includes so many."""
    return included - (book.reserved - book.held) - (book.charged - book.credited - book.beyond)


def make_empty_book(user_id: str, period: str) -> Book:
    """Return the sums of a month in which nothing has happened; not to be stored."""
    sums = ("reserved", "charged", "credited", "included", "beyond", "owed_cents", "held")
    zeros = dict.fromkeys((*sums, "held_cents", "warned_percent"), 0)
    return Book(user_id=user_id, period=period, **zeros)
