"""Removing what attempts have left behind: the losers of a job, or all of it."""

from comfyhoused.adapters.redis.client import Store
from comfyhoused.adapters.storage.storage import Storage
from comfyhoused.core.files.places import make_folder, read_place
from comfyhoused.core.files.records import FileNotFound, delete_file
from comfyhoused.kit.log import get_logger

log = get_logger(__name__)


async def erase_outputs(
    store: Store,
    storage: Storage,
    owner: str,
    job_id: str,
    *,
    except_attempt_id: str | None = None,
) -> int:
    """Remove the outputs of a job, or those that the winning attempt did not make.

    Returns how many went; idempotent. Raises StorageUnavailable: call it again later.
    """
    erased = 0
    async for key in storage.list_keys(make_folder(job_id)):
        place = read_place(owner, key)
        if place is None:
            log.warning("%s is none of our outputs and stays", key)
            continue
        if place.attempt_id == except_attempt_id:
            continue
        try:
            await delete_file(store, storage, owner, place.file_id)
        except FileNotFound:  # its writer was killed before there was a record
            await storage.delete(key)
        erased += 1
    return erased
