"""The secret of a house that `up` runs: made once, kept beside its data."""

import secrets
from pathlib import Path

_NAME = "secret"


def get_own_secret(folder: Path) -> str:
    """Return the folder's secret; only its owner can read the file.

    Links that were signed with it stay valid over restarts, and nobody else can sign any.
    """
    place = folder / _NAME
    if not place.exists() or not place.read_text().strip():
        place.unlink(missing_ok=True)
        place.touch(mode=0o600)
        place.write_text(f"{secrets.token_urlsafe(32)}\n")
    return place.read_text().strip()
