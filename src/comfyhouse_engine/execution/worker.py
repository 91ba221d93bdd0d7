"""The executor: one thread that runs one prompt after the other.

It has no safety net on purpose. What ComfyUI's worker dies of kills this one too, while HTTP goes
on answering; health checks must look at progress (restart/worker-death-cases).
"""

import threading
from typing import Any

from comfyhouse_engine import residence
from comfyhouse_engine.execution.frames import RunFrames
from comfyhouse_engine.execution.log import ExecutionLog, attempt_of
from comfyhouse_engine.execution.queue import PromptQueue, QueueItem, RunReport
from comfyhouse_engine.execution.run import PromptRun, Workshop
from comfyhouse_engine.server.hub import Hub


class Worker:
    """Takes prompts off the queue and runs them."""

    def __init__(
        self, queue: PromptQueue, hub: Hub, shop: Workshop, log: ExecutionLog, *, previews: bool
    ) -> None:
        self._queue = queue
        self._hub = hub
        self._shop = shop
        self._log = log
        self._previews = previews
        self._revival = threading.Event()
        self._thread = threading.Thread(target=self._run_forever, name="executor", daemon=True)

    def start(self) -> None:
        """Start the thread; it ends with the process."""
        self._thread.start()

    def notice_switches(self) -> None:
        """Look at `dead_worker` again."""
        self._revival.set()

    def _run_forever(self) -> None:
        while True:
            taken = self._queue.take()
            if taken is not None:
                self._wait_while_dead()
                self._run(*taken)
            self._obey_flags()

    def _wait_while_dead(self) -> None:
        while self._shop.switches.dead_worker:
            self._revival.clear()
            if self._shop.switches.dead_worker:
                self._revival.wait()

    def _run(self, run: int, item: QueueItem) -> None:
        client_id = client_id_of(item.extra_data)
        self._hub.client_id = client_id
        frames = RunFrames(self._hub, item.prompt_id, client_id, with_previews=self._previews)
        attempt = attempt_of(item.extra_data)
        self._log.write("start", item.prompt_id, attempt, None)
        report = PromptRun(self._shop, item, frames).execute()
        self._log.write("end", item.prompt_id, attempt, outcome_of(report))
        self._queue.finish(run, report)
        frames.tell_idle()

    def _obey_flags(self) -> None:
        flags = self._queue.take_flags()
        if flags.unload_models or flags.free_memory:
            residence.unload_all()
        if flags.free_memory:
            self._shop.cache.clear()


def client_id_of(extra_data: Any) -> Any:
    """Return whose socket gets the frames; `extra_data: null` raises TypeError (x2)."""
    if "client_id" not in extra_data:
        return None
    return extra_data["client_id"]


def outcome_of(report: RunReport) -> str:
    """Return "success", "interrupted" or "error"."""
    if report.is_success:
        return "success"
    return "interrupted" if report.messages[-1][0] == "execution_interrupted" else "error"
