"""Names of results: made from the original's by a template, and safe on every disk.

Fields of a template: `{name}` (the original's without ending), `{preset}`, `{version}` (of the
preset), `{strength}` (0 to 100) and `{date}` (2026-11-22).
"""

import re
import unicodedata
from datetime import datetime
from string import Formatter

from comfyhoused.core.photos.errors import NameTemplateWrong
from comfyhoused.core.photos.shapes import ENDINGS, PhotoKind

DEFAULT_TEMPLATE = "{name}_{preset}"
FIELDS = ("name", "preset", "version", "strength", "date")

_LONGEST_TEMPLATE = 120
_MOST_BYTES = 200  # most disks take 255; a number may be added to a name that is taken
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])", re.IGNORECASE)
_NAMELESS = "photo"


def check_template(template: str) -> str:
    """Return the template; raises NameTemplateWrong saying what is wrong with it."""
    if len(template) > _LONGEST_TEMPLATE:
        raise NameTemplateWrong(f"It is longer than {_LONGEST_TEMPLATE} characters.")
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise NameTemplateWrong("A curly bracket is open or closed too often.") from error
    for _, field, layout, conversion in parts:
        if field is not None and (field not in FIELDS or layout or conversion):
            raise NameTemplateWrong(f"{{{field}}} is none of: {_list_fields()}.")
    if not any(field == "name" for _, field, _, _ in parts):
        raise NameTemplateWrong("It needs {name}, or all results would be called the same.")
    return template


def make_name(
    template: str,
    original_name: str,
    *,
    kind: PhotoKind,
    preset: str,
    version: str,
    strength: int,
    at: datetime,
) -> str:
    """Return a result's file name. The ending is the original's own where the kind is the same.

    Raises NameTemplateWrong.
    """
    stem, ending = _part(original_name)
    filled = check_template(template).format(
        name=stem,
        preset=preset,
        version=version,
        strength=strength,
        date=at.date().isoformat(),
    )
    if ending.lower() not in ENDINGS[kind]:
        ending = ENDINGS[kind][0]
    return f"{_make_safe(filled, len(ending) + 1)}.{ending}"


def make_safe_name(name: str) -> str:
    """Return a file name that every disk takes, as like the one given as that can be."""
    stem, ending = _part(name)
    plain = re.sub(r"[^A-Za-z0-9]", "", ending)[:10]
    return f"{_make_safe(stem, len(plain) + 1)}{f'.{plain}' if plain else ''}"


def _list_fields() -> str:
    return ", ".join(f"{{{field}}}" for field in FIELDS)


def _part(name: str) -> tuple[str, str]:
    stem, dot, ending = name.rpartition(".")
    return (stem, ending) if dot and stem else (name, "")


def _make_safe(stem: str, ending_bytes: int) -> str:
    text = _FORBIDDEN.sub("-", unicodedata.normalize("NFC", stem)).strip(" .")
    if _RESERVED.fullmatch(text.partition(".")[0]):
        text = f"_{text}"
    cut = text.encode("utf-8", "replace")[: _MOST_BYTES - ending_bytes].decode("utf-8", "ignore")
    return cut.rstrip(" .") or _NAMELESS
