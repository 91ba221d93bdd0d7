"""Work on strangers' photos, each in a process of its own that is bounded in memory and time.

What decodes photos is C code fed by strangers: here it can crash, hang or swell without anything
else noticing. The event loop never waits for it, and few photos are worked on at once.
"""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comfyhoused.core.photos.errors import (
    HeicNotInstalled,
    PhotoKindUnknown,
    PhotoTooLarge,
    PhotoUnreadable,
    PhotoWorkFailed,
)
from comfyhoused.core.photos.shapes import (
    FinishedPhoto,
    PhotoFacts,
    PreparedPhoto,
    Preview,
    PreviewWanted,
)
from comfyhoused.kit.errors import ComfyhouseError
from comfyhoused.kit.log import get_logger

log = get_logger(__name__)

MB = 1024 * 1024

_PROGRAM = ("-m", "comfyhoused.core.photos.work")
#: All of our environment that it is told: how to find itself, and no secret.
_ENVIRONMENT = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "TMPDIR", "SYSTEMROOT")
_ERRORS: dict[str, type[ComfyhouseError]] = {
    error.code: error
    for error in (
        HeicNotInstalled,
        PhotoKindUnknown,
        PhotoTooLarge,
        PhotoUnreadable,
        PhotoWorkFailed,
    )
}


@dataclass(frozen=True, slots=True)
class StudioLimits:
    """What one photo may take: pixels (width × height), memory, time; and how many at once.

    The clock may run much longer than the processor works, where many others want it.
    """

    max_pixels: int = 100_000_000
    memory_bytes: int = 1024 * MB
    cpu_seconds: int = 120
    timeout_seconds: float = 600
    most_at_once: int = 2


class PhotoStudio:
    """Where photos are opened. One per process; every method is safe to call at once and again.

    Each raises PhotoKindUnknown (HeicNotInstalled), PhotoUnreadable, PhotoTooLarge, and
    PhotoWorkFailed, after which it may be tried again.
    """

    def __init__(self, limits: StudioLimits | None = None) -> None:
        self.limits = limits or StudioLimits()
        self._turns = asyncio.Semaphore(self.limits.most_at_once)

    async def inspect(self, path: Path) -> PhotoFacts:
        """Read a photo's header; nothing is decoded."""
        return PhotoFacts(**await self._ask("inspect", path=str(path)))

    async def prepare(
        self, original: Path, target: Path, previews: Sequence[PreviewWanted] = ()
    ) -> PreparedPhoto:
        """Write the original upright, in 8-bit sRGB, as a PNG without metadata; and previews."""
        done = await self._ask(
            "prepare", original=str(original), target=str(target), previews=_list(previews)
        )
        return PreparedPhoto(PhotoFacts(**done["facts"]), _read_previews(done["previews"]))

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
        done = await self._ask(
            "finish",
            original=str(original),
            output=str(output),
            target=str(target),
            previews=_list(previews),
        )
        made = {"notes": tuple(done["notes"]), "previews": _read_previews(done["previews"])}
        return FinishedPhoto(**(done | made))

    async def make_preview(self, source: Path, target: Path, longest: int) -> Preview:
        """Write a small picture of any photo, upright, in sRGB, without metadata."""
        done = await self._ask("preview", source=str(source), target=str(target), longest=longest)
        return Preview(**done)

    async def _ask(self, task: str, **question: Any) -> dict[str, Any]:
        """Have a process of its own do the task; returns the answer's fields."""
        limits = self.limits
        bounds = {
            "do": task,
            "max_pixels": limits.max_pixels,
            "memory_bytes": limits.memory_bytes,
            "cpu_seconds": limits.cpu_seconds,
        }
        content = json.dumps(question | bounds).encode()
        async with self._turns:
            answer = await _run(content, limits.timeout_seconds)
        if "done" in answer:
            done: dict[str, Any] = answer["done"]
            return done
        if answer["error"] not in _ERRORS:
            log.error("work on a photo failed: %s", answer["detail"])
            raise PhotoWorkFailed("Something broke on our side.")
        raise _ERRORS[answer["error"]](answer["detail"])


async def _run(question: bytes, timeout_seconds: float) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *_PROGRAM,
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
    )
    try:
        async with asyncio.timeout(timeout_seconds):
            answer, _ = await process.communicate(question)
    except TimeoutError as error:
        raise PhotoWorkFailed(f"It took longer than {timeout_seconds:g} s.") from error
    finally:
        await _end(process)
    if process.returncode != 0 or not answer:
        raise PhotoWorkFailed(f"The process that opened it ended with {process.returncode}.")
    read: dict[str, Any] = json.loads(answer)
    return read


async def _end(process: Process) -> None:
    """Leave no process behind, whatever ended the waiting for it."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _list(previews: Sequence[PreviewWanted]) -> list[tuple[str, int]]:
    return [(str(one.target), one.longest) for one in previews]


def _read_previews(documents: Sequence[dict[str, Any]]) -> tuple[Preview, ...]:
    return tuple(Preview(**document) for document in documents)
