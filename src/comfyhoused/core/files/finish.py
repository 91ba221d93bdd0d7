"""What is done to pictures once they are ours: format, quality, mark."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

PictureFormat = Literal["png", "jpeg", "webp"]

FORMATS: tuple[PictureFormat, ...] = get_args(PictureFormat)
DEFAULT_QUALITY = 90
DEFAULT_MARK = "made with Comfyhouse"
LONGEST_MARK = 60


@dataclass(frozen=True, slots=True)
class Finish:
    """How pictures are handed over. `format` of None keeps theirs; an empty `mark` is none.

    `quality` is 1 to 100 and counts for JPEG and WebP.
    """

    format: PictureFormat | None = None
    quality: int = DEFAULT_QUALITY
    mark: str = ""


def read_finish(asked: Mapping[str, object] | None) -> Finish | None:
    """Return what a job's `finish` asks for: `format`, `quality`, `mark` (true, or its text).

    None where nothing is to be done. The values were checked when the job was accepted; one
    that is unknown nevertheless (a newer API, an older worker) leaves the pictures as they are.
    """
    asked = asked or {}
    kind = next((one for one in FORMATS if one == asked.get("format")), None)
    quality = asked.get("quality")
    mark = asked.get("mark")
    text = DEFAULT_MARK if mark is True else mark if isinstance(mark, str) else ""
    if kind is None and not text:
        return None
    return Finish(
        format=kind,
        quality=min(max(quality, 1), 100) if isinstance(quality, int) else DEFAULT_QUALITY,
        mark=" ".join(text.split())[:LONGEST_MARK],
    )
