"""An owner who leaves: all their jobs, files and books go. Called again until nothing is left."""

from contextlib import suppress
from typing import Any, cast

from comfyhoused.core.files.records import FileNotFound, delete_file, list_files
from comfyhoused.core.jobs.books import list_periods, make_books_key, read_usage
from comfyhoused.core.jobs.erasing import erase_jobs
from comfyhoused.core.jobs.record import PREFIX
from comfyhoused.core.jobs.scripts import WEIGHTS
from comfyhoused.kit.each import do_each
from comfyhoused.resources import Resources

_PAGE = 500
_MODES = ("live", "test")
_BOOKS = ("usage", "charges", "ledger")


async def erase_owner(resources: Resources, owner: str) -> bool:
    """Erase what an owner has; True when nothing is left, also of jobs that were still running.

    Idempotent. Jobs that run are canceled, and erased by the chore for that as soon as their
    servers let go of them. Raises StoreUnavailable, StorageUnavailable.
    """
    has_jobs = await _erase_jobs(resources, owner)
    await _erase_files(resources, owner)
    await _erase_books(resources, owner)
    return not has_jobs


async def _erase_jobs(resources: Resources, owner: str) -> bool:
    """Return whether jobs are left that are not over yet."""
    index = f"{PREFIX}owner:{owner}:jobs"

    start = 0
    while ids := cast(list[str], await resources.store.zrange(index, start, start + _PAGE - 1)):
        await erase_jobs(resources, owner, ids)
        left: Any = await resources.store.zmscore(index, ids)
        start += sum(score is not None for score in left)
    return start > 0


async def _erase_files(resources: Resources, owner: str) -> None:
    async def erase(file_id: str) -> None:
        with suppress(FileNotFound):
            await delete_file(resources.store, resources.storage, owner, file_id)

    while True:
        page = await list_files(resources.store, owner, limit=_PAGE, cursor=None)
        if not page.items:
            return
        await do_each([file.id for file in page.items], erase)


async def _erase_books(resources: Resources, owner: str) -> None:
    store = resources.store
    for period in await list_periods(store, owner):
        usage = await read_usage(store, owner, period)
        if usage.ledger_object:
            await resources.storage.delete(usage.ledger_object)
        await store.delete(*(make_books_key(kind, owner, period) for kind in _BOOKS))
        await store.zrem(f"{PREFIX}ledgers", f"{owner}|{period}")
    await store.delete(f"{PREFIX}owner:{owner}:periods", f"{PREFIX}stored:{owner}")
    await store.hdel(f"{PREFIX}caps", owner)
    for mode in _MODES:
        await store.hdel(f"{PREFIX}spent:{mode}", *(f"{name}/{owner}" for name in WEIGHTS))
