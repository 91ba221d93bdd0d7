"""What every worker does for edits."""

from collections.abc import Awaitable
from functools import partial

from comfyhoused.core.chores import repeat_chore
from comfyhoused.creator.edits.beginning import begin_waiting
from comfyhoused.creator.edits.crew import Claiming, Crew, Step
from comfyhoused.creator.edits.delivering import deliver, give_up_delivery
from comfyhoused.creator.edits.due import claim_deliveries, claim_edits, claim_waiting
from comfyhoused.creator.edits.ending import give_up_edit
from comfyhoused.creator.edits.finishing import finish_edit
from comfyhoused.creator.edits.following import Follower
from comfyhoused.creator.edits.retrying_all import retry_asked
from comfyhoused.creator.edits.submitting import send_edit
from comfyhoused.creator.edits.sweeping import look_at_job, settle_dangling
from comfyhoused.creator.edits.tidying import leave_untidy, tidy_edit
from comfyhoused.creator.edits.work import clear_desks
from comfyhoused.creator.house import CreatorHouse

#: A step on a photo is long and cheap to repeat: its lease is longer than that of a job.
_LEASE_FACTOR = 4
_WAITING_SECONDS = 5.0
_RETRYING_SECONDS = 1.0
_SWEEP_SECONDS = 30.0


def list_edit_chores(house: CreatorHouse, name: str) -> list[Awaitable[object]]:
    """Return the work without an end that a worker does for edits."""
    begin, settle = partial(begin_waiting, house), partial(settle_dangling, house)
    retry, clear = partial(retry_asked, house), partial(clear_desks, house)
    return [
        _work(house, name),
        repeat_chore("editing photos that waited", begin, seconds=_WAITING_SECONDS),
        repeat_chore("trying all again", retry, seconds=_RETRYING_SECONDS),
        repeat_chore("ending reservations", settle, seconds=_SWEEP_SECONDS),
        repeat_chore("clearing desks", clear, seconds=_SWEEP_SECONDS),
    ]


def make_steps(house: CreatorHouse, follower: Follower) -> list[Step]:
    """Return the steps of an edit, with how many of each a worker does at a time."""
    fail = partial(give_up_edit, house)
    return [
        Step("prepare", 3, claim_waiting, partial(send_edit, house, follower), fail),
        Step("look", 8, _claiming("in_line", "running"), partial(look_at_job, house), fail),
        Step("finish", 3, _claiming("finishing"), partial(finish_edit, house), fail),
        Step(
            "deliver",
            4,
            claim_deliveries,
            partial(deliver, house),
            partial(give_up_delivery, house),
        ),
        Step(
            "tidy",
            2,
            _claiming("finished", "failed", "canceled"),
            partial(tidy_edit, house),
            partial(leave_untidy, house),
        ),
    ]


def _claiming(*states: str) -> Claiming:
    return partial(claim_edits, states=states)


async def _work(house: CreatorHouse, name: str) -> None:
    follower = Follower(house)
    lease_seconds = house.resources.settings.jobs.lease_seconds * _LEASE_FACTOR
    try:
        await Crew(house.database, name, lease_seconds, make_steps(house, follower)).work()
    finally:
        await follower.close()
