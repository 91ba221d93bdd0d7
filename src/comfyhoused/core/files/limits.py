"""How much we take of one file and of all, and for how long we keep it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes, pixels (width × height) and retention of one file.

    `spool_dir` is a folder on a real disk, where a file waits while it is looked at.
    `keep_seconds` of None keeps the file until it is deleted; `most_stored_bytes` of None sets
    no limit to what an owner's files may take together.
    """

    max_bytes: int
    max_pixels: int
    spool_dir: Path
    keep_seconds: int | None = None
    most_stored_bytes: int | None = None
