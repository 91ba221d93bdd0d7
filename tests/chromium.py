"""The browser that this machine has."""

import shutil

#: The shell draws the same pages without a window's trappings, for half of the processor's time.
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str | None:
    """Return a Chromium of this machine, or None."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)
