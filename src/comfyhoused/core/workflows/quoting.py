"""Strangers' text inside our sentences: short, printable, and valid UTF-8 whatever was sent."""

import re
import unicodedata

_LONGEST = 80
_SURROGATE = re.compile("[\ud800-\udfff]")


def quote(text: object, *, marks: str = "'") -> str:
    """Return the text between quotation marks, cut to 80 characters, unprintables replaced.

    Lone surrogates matter most: echoed as they are, the error itself could not be encoded.
    """
    if isinstance(text, int) and not isinstance(text, bool) and abs(text) >= 1 << 256:
        return "a number of many digits"  # str() refuses beyond 4300 digits
    shown = str(text) if isinstance(text, str | int | float) else type(text).__name__
    cut = shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"
    clean = "".join("\ufffd" if _is_unprintable(letter) else letter for letter in cut)
    return f"{marks}{clean}{marks}" if isinstance(text, str) else clean


def _is_unprintable(letter: str) -> bool:
    return unicodedata.category(letter) in ("Cc", "Cs")


def find_text_fault(text: str, longest: int) -> str | None:
    """Return what makes the text unfit to be sent to a ComfyUI server, or None.

    A NUL or a lone surrogate (half a character) is taken by ComfyUI and fails at run time.
    """
    if len(text) > longest:
        return f"has {len(text)} characters, more than the {longest} allowed"
    if "\x00" in text:
        return "contains a NUL character"
    if _SURROGATE.search(text):
        return "contains half a character (a lone surrogate)"
    return None
