"""The data folder: made, tried for writing, and held by one house at a time."""

import fcntl
import os
import time
from pathlib import Path
from typing import IO

from comfyhoused.embedded.errors import CannotStart

# After a kill -9 the parts of the house that died need a moment to end.
_PATIENCE_SECONDS = 15.0
_PAUSE_SECONDS = 0.1


def prepare_folder(folder: Path) -> Path:
    """Make the folder where it is missing and return its full path; raises CannotStart."""
    place = folder.absolute()
    probe = place / f".writable-{os.getpid()}"
    try:
        place.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise CannotStart(
            f"The data folder {place} cannot be written to ({error.strerror}). Make it writable "
            "for this user, or choose another with CH_DATA_DIR."
        ) from error
    return place


def hold_folder(folder: Path) -> IO[str]:
    """Lock the folder and return the open lock; raises CannotStart while another house runs.

    Every child inherits the lock, so that after a kill -9 of the parent nobody starts a second
    Valkey on the same files while the first one is still ending.
    """
    lock = (folder / "up.lock").open("a+")
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not _take(lock):
        owner = _read_owner(lock)
        if _is_running(owner) or time.monotonic() > deadline:
            lock.close()
            raise CannotStart(
                f"A house already runs on {folder} (process {owner}). Stop it with Ctrl-C, or "
                "give this one a folder of its own with CH_DATA_DIR."
            )
        time.sleep(_PAUSE_SECONDS)
    lock.seek(0)
    lock.truncate()
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def _take(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_owner(lock: IO[str]) -> int:
    lock.seek(0)
    text = lock.read().strip()
    return int(text) if text.isdecimal() else 0


def _is_running(process_id: int) -> bool:
    if not process_id:
        return False
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
