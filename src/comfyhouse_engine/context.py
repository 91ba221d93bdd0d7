"""What a node may know about the run it is part of.

The executor thread sets a `RunContext` before it calls a node's function; nodes read it with
`current()`. Nodes keep ComfyUI's plain signature that way and still load in a real ComfyUI.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from comfyhouse_engine.switches import Switches

Preview = NDArray[np.uint8]


class InterruptProcessing(Exception):
    """The running prompt was interrupted; nodes let it pass."""


@dataclass(frozen=True)
class Folders:
    """The three folders that ComfyUI knows; all exist."""

    input: Path
    output: Path
    temp: Path


@dataclass(frozen=True)
class RunContext:
    """One node's view of the run.

    `report_progress(value, max, preview)` sends `progress_state`, `progress` and the preview in
    the recorded order; `preview` is uint8 [height, width, 3] or None. `send_text(text)` is binary
    event 3, `send_image(data, kind)` binary event 1 (kind 1 = JPEG, 2 = PNG).
    """

    prompt_id: str
    node_id: str
    folders: Folders
    check_interrupt: Callable[[], None]
    report_progress: Callable[[int, int, Preview | None], None]
    switches: Switches
    send_text: Callable[[str], None]
    send_image: Callable[[bytes, int], None]
    allow_suicide: bool = False
    """True when the magic word `sandbox:lost` may end the process."""


_current: ContextVar[RunContext] = ContextVar("comfyhouse_engine_run")


def current() -> RunContext:
    """Return the context of the node that runs in this thread; LookupError outside of a run."""
    return _current.get()


@contextmanager
def entered(context: RunContext) -> Iterator[RunContext]:
    """Make `context` the current one inside the `with` block."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)
