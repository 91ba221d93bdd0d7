"""What followers are told while a job runs: a share done, and previews."""

import base64

from comfyhoused.adapters.comfyui.frames import NodeStarted, Preview, Progress
from comfyhoused.adapters.redis.client import Store, StoreUnavailable
from comfyhoused.core.jobs.events import Reporter
from comfyhoused.core.jobs.record import Job


class ProgressReport:
    """Turns frames into `job.progress` and `job.preview`. Each sampler counts anew."""

    def __init__(self, store: Store, job: Job) -> None:
        self._reporter = Reporter(store, job.id)
        self._node = ""

    async def note(self, event: object) -> None:
        """Pass a frame on; it is a hint, so a store that is away only loses it."""
        try:
            match event:
                case Progress(node_id, value, maximum) if maximum > 1:
                    data = {"node_id": node_id, "value": value, "max": maximum}
                    await self._reporter.report("job.progress", data)
                case NodeStarted(node_id) if node_id != self._node:
                    self._node = node_id
                case Preview(image, content_type, node_id):
                    picture = base64.b64encode(image).decode()
                    data = {"node_id": node_id, "image": f"data:{content_type};base64,{picture}"}
                    await self._reporter.report("job.preview", data)
        except StoreUnavailable:
            return
