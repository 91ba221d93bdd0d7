"""The process that opens one photo: `python -m comfyhoused.core.photos.work`.

It reads a question from its input, bounds itself, works, and writes the answer. It has neither
our environment nor anything else of the house; whatever happens to it happens to it alone.
"""

import json
import os
import resource
import sys
import traceback
from contextlib import suppress
from typing import Any

from comfyhoused.core.photos.tasks import run_task
from comfyhoused.kit.errors import ComfyhouseError

_NICENESS = 5
_MOST_FILE_BYTES = 4 * 1024**3


def main() -> None:
    """Answer one question."""
    question = json.load(sys.stdin)
    _bound(question["memory_bytes"], question["cpu_seconds"])
    json.dump(_answer(question), sys.stdout)


def _bound(memory_bytes: int, cpu_seconds: int) -> None:
    """Give others the first turn at the processor, and let the kernel hold the limits."""
    os.nice(_NICENESS)
    limits = {
        resource.RLIMIT_DATA: memory_bytes,
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_FSIZE: _MOST_FILE_BYTES,
        resource.RLIMIT_CORE: 0,
    }
    for kind, limit in limits.items():
        with suppress(ValueError, OSError):  # not every system has each of them
            resource.setrlimit(kind, (limit, limit))


def _answer(question: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"done": run_task(question["do"], question, max_pixels=question["max_pixels"])}
    except ComfyhouseError as error:
        return {"error": error.code, "detail": error.detail}
    except MemoryError:
        return {"error": "photo_too_large", "detail": "It needs more memory than one may take."}
    except Exception:  # noqa: BLE001 -- the border of a process; what it was is answered
        return {"error": "internal_error", "detail": traceback.format_exc()}


if __name__ == "__main__":
    main()
