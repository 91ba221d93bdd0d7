"""What tests of the engine's nodes share: folders, a run context that notes what was sent."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comfyhouse_engine.context import Folders, RunContext, entered
from comfyhouse_engine.nodes import NODE_CLASS_MAPPINGS, places
from comfyhouse_engine.switches import Switches

Floats = NDArray[np.float32]


def make_folders(root: Path) -> Folders:
    """Create input/, output/ and temp/ below `root` and make the nodes use them."""
    folders = Folders(root / "input", root / "output", root / "temp")
    for folder in (folders.input, folders.output, folders.temp):
        folder.mkdir()
    places.use_folders(folders)
    return folders


def run_node(name: str, **inputs: Any) -> Any:
    """Call a node's function the way the executor does."""
    node: Any = NODE_CLASS_MAPPINGS[name]
    return getattr(node(), node.FUNCTION)(**inputs)


def make_noise(*shape: int, seed: int = 1) -> Floats:
    """Return reproducible values in 0..1."""
    return np.random.default_rng(seed).random(shape, np.float32)


def make_steps(*shape: int, seed: int = 1) -> Floats:
    """Return reproducible values that are whole 1/255ths, as a decoded picture has."""
    levels = np.random.default_rng(seed).integers(0, 256, shape)
    return levels.astype(np.float32) / np.float32(255)


@dataclass
class Sent:
    """What a node sent while it ran, in order."""

    frames: list[tuple[Any, ...]] = field(default_factory=list)


@contextmanager
def running(folders: Folders) -> Iterator[Sent]:
    """Be inside a run of node "2"; what is sent is noted."""
    sent = Sent()
    context = RunContext(
        prompt_id="p",
        node_id="2",
        folders=folders,
        check_interrupt=lambda: None,
        report_progress=lambda value, total, _: sent.frames.append(("progress", value, total)),
        switches=Switches(),
        send_text=lambda text: sent.frames.append(("text", text)),
        send_image=lambda data, kind: sent.frames.append(("image", data, kind)),
    )
    with entered(context):
        yield sent
