"""An owner's jobs, newest first."""

from typing import Any

from comfyhoused.adapters.redis.client import Store
from comfyhoused.core.jobs.record import PREFIX, Job, find_job
from comfyhoused.core.jobs.states import JobState
from comfyhoused.kit.pages import InvalidCursor, Page, make_cursor, read_cursor

_SCAN = 100
#: So many jobs are looked at for one page; the next page goes on behind them.
_MOST_SCANNED = 1000


async def list_jobs(
    store: Store, owner: str, *, limit: int, cursor: str | None, state: JobState | None = None
) -> Page[Job]:
    """Return a page of jobs. With a state, only those that stand there now.

    Where few of very many jobs stand there a page may hold fewer than `limit`, even none,
    and a cursor all the same.
    """
    before = _read_position(cursor)
    found: list[Job] = []
    for _ in range(_MOST_SCANNED // _SCAN):
        rows: Any = await store.zrevrangebyscore(
            f"{PREFIX}owner:{owner}:jobs", f"({before}", "-inf", start=0, num=_SCAN, withscores=True
        )
        for job_id, score in rows:
            before = str(int(score))
            job = await find_job(store, str(job_id))
            if job is None or job.is_erasing or (state is not None and job.state is not state):
                continue
            found.append(job)
            if len(found) == limit:
                return Page(found, make_cursor(before))
        if len(rows) < _SCAN:
            return Page(found, None)
    return Page(found, make_cursor(before))


def _read_position(cursor: str | None) -> str:
    if cursor is None:
        return "+inf"
    position = read_cursor(cursor)
    if not (position.isascii() and position.isdigit()):
        raise InvalidCursor("The cursor is not one that this listing gave out.")
    return position
