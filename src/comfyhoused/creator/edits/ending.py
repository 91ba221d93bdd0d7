"""The ends of an edit: what its job came to, and failing, which is free."""

from contextlib import suppress

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.core.jobs.cancel import cancel_job, mark_erasing
from comfyhoused.core.jobs.record import Job, JobNotFound, find_job
from comfyhoused.core.jobs.settlement import Ending
from comfyhoused.core.jobs.states import JobState
from comfyhoused.creator.connections import RECONNECT
from comfyhoused.creator.edits.claiming import MOST_SETBACKS, Claim, hold_edit
from comfyhoused.creator.edits.finding import tell_edit
from comfyhoused.creator.edits.rounds import make_due, restart
from comfyhoused.creator.edits.words_of_failure import reword
from comfyhoused.creator.house import CreatorHouse, make_owner
from comfyhoused.creator.ledger import release
from comfyhoused.creator.news import tell
from comfyhoused.creator.notifications import notify
from comfyhoused.creator.tables import Edit, Photo, Source
from comfyhoused.kit.errors import BackendFailure, Problem, Unprocessable, make_problem
from comfyhoused.kit.ids import make_job_id
from comfyhoused.kit.log import get_logger

log = get_logger(__name__)

_BEFORE_THE_END = ("waiting", "in_line", "running")


class PresetMadeNothing(Unprocessable):
    """The preset's workflow gave out no picture."""

    code = "preset_made_nothing"
    title = "The preset made no picture of it"


class ServerFailed(BackendFailure):
    """A server has failed the edit without saying why."""

    code = "server_failed"
    title = "The server could not edit it"


class JobLost(BackendFailure):
    """The edit's job, or what it had made, was lost again and again; it may be tried again."""

    code = "job_lost"
    title = "The photo was lost on its way through the servers"


async def settle_user_ending(house: CreatorHouse, ending: Ending) -> None:
    """Note on an edit what its job came to. Idempotent; raises DatabaseUnavailable.

    A job that no edit wants any more (it was canceled, tried again or erased) is erased.
    """
    job = await find_job(house.resources.store, ending.job_id)
    async with house.database.begin() as session:
        query = select(Edit).where(Edit.job_id == ending.job_id).with_for_update()
        edit = await session.scalar(query)
        is_new = edit is not None and edit.state in _BEFORE_THE_END
        if edit is not None and is_new:
            await note_end(session, edit, ending.state, job)
    if edit is None or edit.state == "canceled":
        with suppress(JobNotFound):
            await mark_erasing(house.resources.store, ending.owner, ending.job_id)
    if edit is not None and is_new:
        await tell_end(house, edit)


async def note_end(session: AsyncSession, edit: Edit, state: JobState, job: Job | None) -> None:
    """Move a locked edit on by what its job came to."""
    if state is JobState.SUCCEEDED:
        output = _find_picture(job)
        if job is None:  # its record is gone, and its output with it
            await send_back(session, edit, needs_new_job=True)
        elif output is None:
            await fail(session, edit, make_problem(PresetMadeNothing("It gave out no picture.")))
        else:
            edit.state = "finishing"
            edit.output_file = output
            edit.started_at = edit.started_at or job.started_at
            make_due(edit)
    elif state is JobState.CANCELED:
        edit.state = "canceled"
        edit.finished_at = func.now()
        make_due(edit)
        await release(session, edit.id, edit.round, "canceled")
    else:
        problem = job.error if job is not None else None
        await fail(session, edit, problem or make_problem(ServerFailed("It does not say why.")))


async def send_back(session: AsyncSession, edit: Edit, *, needs_new_job: bool) -> None:
    """Have a locked edit's job made again, for the same unit; what is lost too often fails.

    `needs_new_job`: the job has ended, or may have; else a server that still has it goes on.
    """
    edit.setbacks += 1
    if edit.setbacks >= MOST_SETBACKS:
        await fail(session, edit, make_problem(JobLost(f"That was so {edit.setbacks} times.")))
        return
    log.warning("the job of edit %s is gone, and is made again", edit.id)
    if needs_new_job:
        edit.job_id = make_job_id()
    restart(edit)


async def fail(session: AsyncSession, edit: Edit, problem: Problem) -> None:
    """End a locked edit as failed: it is free, and its owner is told at once."""
    edit.state = "failed"
    edit.error = dict(reword(problem))
    edit.finished_at = func.now()
    make_due(edit)  # for tidying
    await release(session, edit.id, edit.round, problem["code"])
    photo = await session.get_one(Photo, edit.photo_id)
    await notify(
        session,
        edit.user_id,
        "edit_failed",
        f"edit_failed/{edit.id}/{edit.round}",
        f"We could not finish “{photo.name}”",
        f"{edit.error['title']}. {edit.error['detail']}",
        f"/creator/edits/{edit.id}",
        mail="now",
    )


async def give_up_edit(house: CreatorHouse, claim: Claim, problem: Problem) -> bool:
    """Fail the edit, unless its folder must be reconnected: then it waits for that.

    A folder that was removed is reconnected by nobody.
    """
    async with house.database.begin() as session:
        edit = await hold_edit(session, claim)
        source = await session.get_one(Source, edit.source_id)
        if awaits_reconnect(source, problem):
            return False
        await fail(session, edit, problem)
    await tell_end(house, edit)
    return True


async def tell_end(house: CreatorHouse, edit: Edit) -> None:
    """Tell open pages how the edit stands, and ring where its owner was told; after the commit."""
    await tell_edit(house, edit)
    if edit.state == "failed":
        await tell(house.resources.store, edit.user_id, "bell", {})


def awaits_reconnect(source: Source, problem: Problem) -> bool:
    """Tell whether the source's owner is asked to connect it again: then all of it waits."""
    is_lost = problem["code"] == RECONNECT and source.state != "removed"
    return is_lost or source.state == "reconnect"


async def take_job_back(house: CreatorHouse, user_id: str, job_id: str) -> None:
    """Cancel and erase a job that nobody wants: all of it goes once no server has it any more."""
    store, owner = house.resources.store, make_owner(user_id)
    with suppress(JobNotFound):
        await cancel_job(store, owner, job_id)
    with suppress(JobNotFound):
        await mark_erasing(store, owner, job_id)


def _find_picture(job: Job | None) -> str | None:
    outputs = job.outputs if job is not None else []
    pictures = [one for one in outputs if str(one["content_type"]).startswith("image/")]
    return str(pictures[0]["file_id"]) if pictures else None
