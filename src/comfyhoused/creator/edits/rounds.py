"""An edit that is tried again: a new round, with a job and a reservation of its own."""

from datetime import datetime

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement

from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.ledger import reserve
from comfyhoused.creator.tables import Delivery, Edit
from comfyhoused.kit.ids import make_job_id


async def begin_round(session: AsyncSession, house: CreatorHouse, edit: Edit) -> None:
    """Begin the next round of a locked edit that failed or was canceled; else change nothing.

    Raises PlanUsedUp, OverageCapReached: then nothing was written.
    """
    if edit.state not in ("failed", "canceled"):
        return
    async with session.begin_nested():
        await reserve(session, house.plans, edit.user_id, edit.id, edit.round + 1)
        edit.round += 1
        restart(edit)
        edit.job_id = make_job_id()
        edit.setbacks = 0
        edit.error = None
        edit.report = None
        edit.finished_at = None
        edit.started_at = None


def restart(edit: Edit) -> None:
    """Send a locked edit back to the beginning; what it has prepared is looked at again."""
    edit.state = "waiting"
    edit.output_file = None
    make_due(edit)


def make_due(row: Edit | Delivery, at: "datetime | ColumnElement[datetime] | None" = None) -> None:
    """Have the next step of a locked edit or delivery taken up now (or then), by whomever."""
    row.next_try_at = func.now() if at is None else at
    row.tries = 0
    row.lease_until = None
    row.lease_holder = None
