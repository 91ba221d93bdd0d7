"""MD5, which is what Drive says about every file with bytes; no secret depends on it."""

import hashlib
from pathlib import Path


def compute_md5(path: Path) -> str:
    """Return the MD5 of the file as hexadecimal digits."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
