"""The browser that this machine has."""

import shutil

_NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str | None:
    """Return a Chromium of this machine, or None."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)
