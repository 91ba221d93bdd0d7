"""Texts of a ComfyUI server, made fit for strangers.

Its messages may hold paths of the machine and listings of a shared folder, and with them the
names of other customers' files. What is left is short and names nothing that was not asked for.
"""

import re

MAX_CHARACTERS = 500

_PATH = re.compile(r"(?<![\w.])(?:[A-Za-z]:)?[\\/](?=[\w.])(?:[^\s'\"\\/:,]+[\\/])*")
_QUOTED = r"""(?:'[^'\n]*'|"[^"\n]*")"""
_LISTING = re.compile(rf"[\[({{]\s*{_QUOTED}(?:\s*[,:].*?)?[\])}}]", re.DOTALL)
_OPEN_LISTING = re.compile(rf"[\[({{]\s*{_QUOTED}\s*[,:].*$", re.DOTALL)
_SERIES = re.compile(rf"{_QUOTED}(?:\s*,\s*{_QUOTED}){{2,}}")
_FILES = re.compile(r"[\w()./ -]+\.[A-Za-z]\w{1,10}(?:\s*,\s*[\w()./ -]+\.[A-Za-z]\w{1,10}){1,}")


def redact(text: str, limit: int = MAX_CHARACTERS) -> str:
    """Return the text without folders of paths and without listings, at most `limit` long."""
    shortened = text[: limit * 8].strip()
    for pattern, replacement in (
        (_LISTING, "[…]"),
        (_OPEN_LISTING, "[…]"),
        (_SERIES, "…"),
        (_PATH, "…/"),
        (_FILES, "…"),
    ):
        shortened = pattern.sub(replacement, shortened)
    return shortened if len(shortened) <= limit else shortened[: limit - 1] + "…"
