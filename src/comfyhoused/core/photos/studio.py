"""Work on strangers' photos, each in a process of its own that is bounded in memory and time.

What decodes photos is C code fed by strangers: here it can crash, hang or swell without anything
else noticing. The event loop never waits for it, and few photos are worked on at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from comfyhoused.core.photos.shapes import (
    FinishedPhoto,
    PhotoFacts,
    PreparedPhoto,
    Preview,
    PreviewWanted,
)

MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class StudioLimits:
    """What one photo may take: pixels (width × height), memory, time; and how many at once."""

    max_pixels: int = 100_000_000
    memory_bytes: int = 1024 * MB
    timeout_seconds: float = 120
    most_at_once: int = 2


class PhotoStudio:
    """Where photos are opened. One per process; every method is safe to call at once and again.

    Each raises PhotoKindUnknown (HeicNotInstalled), PhotoUnreadable, PhotoTooLarge, and
    PhotoWorkFailed, after which it may be tried again.
    """

    def __init__(self, limits: StudioLimits | None = None) -> None:
        self.limits = limits or StudioLimits()

    async def inspect(self, path: Path) -> PhotoFacts:
        """Read a photo's header; nothing is decoded."""
        raise NotImplementedError

    async def prepare(
        self, original: Path, target: Path, previews: Sequence[PreviewWanted] = ()
    ) -> PreparedPhoto:
        """Write the original upright, in 8-bit sRGB, as a PNG without metadata; and previews."""
        raise NotImplementedError

    async def finish(
        self,
        original: Path,
        output: Path,
        target: Path,
        previews: Sequence[PreviewWanted] = (),
    ) -> FinishedPhoto:
        """Write a preset's output (a PNG in sRGB) as a photo like its original.

        Format, colour profile and metadata are the original's; `kind` and `notes` of the answer
        say where that cannot be.
        """
        raise NotImplementedError

    async def make_preview(self, source: Path, target: Path, longest: int) -> Preview:
        """Write a small picture of any photo, upright, in sRGB, without metadata."""
        raise NotImplementedError
