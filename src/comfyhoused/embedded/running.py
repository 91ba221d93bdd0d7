"""A note in the data folder of where the parts of the running house listen."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

_NAME = "running.json"


@dataclass(frozen=True)
class Running:
    """Addresses of the house that `up` runs on this folder."""

    url: str
    redis_url: str
    engine_url: str
    database_url: str = ""


def save_running(folder: Path, running: Running) -> None:
    """Leave the note; other commands on this machine find the bundled parts by it.

    Only the owner may read it: the addresses hold passwords.
    """
    forget_running(folder)
    note = folder / _NAME
    note.touch(mode=0o600)
    note.write_text(json.dumps(asdict(running)))


def find_running(folder: Path) -> Running | None:
    """Return the note, or None where no house runs on the folder."""
    note = folder / _NAME
    if not note.exists():
        return None
    return Running(**json.loads(note.read_text()))


def forget_running(folder: Path) -> None:
    """Take the note away."""
    (folder / _NAME).unlink(missing_ok=True)
