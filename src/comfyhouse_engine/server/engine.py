"""The parts of one engine, put together."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from comfyhouse_engine import models
from comfyhouse_engine.context import Folders
from comfyhouse_engine.execution.cache import NodeCache
from comfyhouse_engine.execution.interrupt import Interrupt
from comfyhouse_engine.execution.log import ExecutionLog
from comfyhouse_engine.execution.queue import PromptQueue
from comfyhouse_engine.execution.run import Workshop
from comfyhouse_engine.execution.worker import Worker
from comfyhouse_engine.nodes import NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS, use_folders
from comfyhouse_engine.server.hub import Hub
from comfyhouse_engine.switches import Switches
from comfyhouse_nodes.boot import BOOT_ID
from comfyhouse_nodes.fence import Fence
from comfyhouse_nodes.photo.nodes import NODE_CLASS_MAPPINGS as PACK_CLASSES
from comfyhouse_nodes.photo.nodes import NODE_DISPLAY_NAME_MAPPINGS as PACK_DISPLAY_NAMES


@dataclass
class Numbers:
    """The counter that numbers prompts; it starts at 0 in each process."""

    next: int = 0

    def take(self) -> int:
        """Return the next number."""
        self.next += 1
        return self.next - 1


@dataclass(frozen=True)
class Settings:
    """What the command line decides. `data` holds input/, output/, temp/ and the log."""

    data: Path
    models_file: Path | None = None
    with_previews: bool = True
    allow_suicide: bool = False
    argv: tuple[str, ...] = ()


@dataclass(frozen=True)
class Engine:
    """One engine; routes take it from the application."""

    settings: Settings
    folders: Folders
    switches: Switches
    hub: Hub
    queue: PromptQueue
    worker: Worker
    log: ExecutionLog
    fence: Fence
    interrupt: Interrupt
    classes: Mapping[str, type]
    display_names: Mapping[str, str]
    numbers: Numbers

    @classmethod
    def build(cls, settings: Settings, switches: Switches) -> "Engine":
        """Make the folders, empty temp/, and wire everything; nothing runs yet."""
        folders = make_folders(settings.data)
        use_folders(folders)
        models.set_shelf(_read_shelf(settings.models_file), switches)
        hub = Hub(switches)
        interrupt = Interrupt()
        log = ExecutionLog(settings.data / "executions.jsonl", BOOT_ID)
        queue = PromptQueue(lambda: hub.send("status", queue_status(queue)))
        classes = {**NODE_CLASS_MAPPINGS, **PACK_CLASSES}
        shop = Workshop(classes, folders, switches, interrupt, NodeCache(), settings.allow_suicide)
        worker = Worker(queue, hub, shop, log, previews=settings.with_previews)
        return cls(
            settings=settings,
            folders=folders,
            switches=switches,
            hub=hub,
            queue=queue,
            worker=worker,
            log=log,
            fence=Fence(),
            interrupt=interrupt,
            classes=classes,
            display_names={**NODE_DISPLAY_NAME_MAPPINGS, **PACK_DISPLAY_NAMES},
            numbers=Numbers(),
        )


ENGINE = web.AppKey("engine", Engine)


def queue_status(queue: PromptQueue) -> dict[str, Any]:
    """Return the data of a `status` frame."""
    return {"status": {"exec_info": {"queue_remaining": queue.count_remaining()}}}


def make_folders(data: Path) -> Folders:
    """Make input/ and output/, and an empty temp/: previews do not outlive a start."""
    folders = Folders(data / "input", data / "output", data / "temp")
    shutil.rmtree(folders.temp, ignore_errors=True)
    for folder in (folders.input, folders.output, folders.temp):
        folder.mkdir(parents=True, exist_ok=True)
    return folders


def _read_shelf(path: Path | None) -> models.ModelShelf:
    return models.ModelShelf() if path is None else models.ModelShelf.from_json(path)
