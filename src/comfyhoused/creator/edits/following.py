"""Following what servers do to photos in line: when one begins, and how far it is."""

import asyncio
from contextlib import suppress

from sqlalchemy import update

from comfyhoused.adapters.redis.client import StoreUnavailable
from comfyhoused.core.jobs.events import Event, EventHub, follow_job
from comfyhoused.creator.edits.finding import tell_edit
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.news import tell
from comfyhoused.creator.tables import Edit
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.errors import Unavailable
from comfyhoused.kit.log import get_logger

log = get_logger(__name__)

_MOST = 500


class Follower:
    """Follows the photos that this worker has put in line. A hint: a lost one changes nothing."""

    def __init__(self, house: CreatorHouse) -> None:
        self._house = house
        self._hub = EventHub(house.resources.store)
        self._tasks: set[asyncio.Task[None]] = set()

    def follow(self, edit: Edit) -> None:
        """Follow this edit's job until it is over."""
        if len(self._tasks) < _MOST:
            task = asyncio.create_task(self._follow(edit))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Follow nothing any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._hub.close()

    async def _follow(self, edit: Edit) -> None:
        try:
            async for event in follow_job(self._house.resources.store, self._hub, edit.job_id):
                if event is not None:
                    await self._note(edit, event)
        except Unavailable as error:
            log.info("edit %s is not followed: %s", edit.id, error.detail)
        except Exception:  # the border of a task: nothing depends on it
            log.exception("following edit %s met a fault of ours", edit.id)

    async def _note(self, edit: Edit, event: Event) -> None:
        if event.type == "job.running":
            await note_running(self._house, edit)
        elif event.type == "job.progress":
            share = float(event.data["value"]) / max(1.0, float(event.data["max"]))
            data = {"edit_id": edit.id, "share": round(min(share, 1.0), 3)}
            with suppress(StoreUnavailable):
                await tell(self._house.resources.store, edit.user_id, "edit.progress", data)


async def note_running(house: CreatorHouse, edit: Edit) -> None:
    """Note that a server has begun this edit's job, unless it went on since."""
    begun = (
        update(Edit)
        .where(Edit.id == edit.id, Edit.job_id == edit.job_id, Edit.state == "in_line")
        .values(state="running", started_at=get_now())
        .returning(Edit)
    )
    async with house.database.begin() as session:
        changed = await session.scalar(begun)
    if changed is not None:
        await tell_edit(house, changed)
