"""Removing what nobody wants any more: files whose time is over, objects without a record."""

import random
from contextlib import suppress

from comfyhoused.adapters.redis.client import Store
from comfyhoused.adapters.storage.storage import Storage, StorageUnavailable
from comfyhoused.core.files.records import FileNotFound, delete_file, find_file, remove_object
from comfyhoused.core.files.scripts import SCRIPTS

_MOST_FAILURES = 3


async def sweep_files(store: Store, storage: Storage, *, most: int = 1000) -> int:
    """Remove at most so many of each; returns how many went. Raises StorageUnavailable.

    Idempotent, and fine to run in several processes at once. An object that cannot be removed
    does not hold up the others: a few such are passed by, in another order each time.
    """
    expired, _ = await SCRIPTS.run(store, "list_due", most)
    for file_id in expired:
        file = await find_file(store, file_id)
        if file is not None:
            with suppress(FileNotFound):  # another sweeper was faster
                await delete_file(store, storage, file.owner, file.id)
    _, doomed = await SCRIPTS.run(store, "list_due", most)
    random.shuffle(doomed)
    failures: list[StorageUnavailable] = []
    for key in doomed:
        try:
            await remove_object(store, storage, key)
        except StorageUnavailable as error:
            failures.append(error)
        if len(failures) >= _MOST_FAILURES:  # the store itself is away
            break
    if failures:
        raise failures[0]
    return len(expired) + len(doomed)
