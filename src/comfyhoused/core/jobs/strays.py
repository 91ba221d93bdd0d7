"""After a (re)connect: prompts of this house that nobody drives are taken off the backend."""

from comfyhoused.core.fleet.link import BackendLink
from comfyhoused.core.jobs.record import find_job
from comfyhoused.kit.log import get_logger
from comfyhoused.resources import Resources

log = get_logger(__name__)


async def remove_strays(resources: Resources, link: BackendLink, client_prefix: str) -> int:
    """Delete or interrupt prompts of ours that no job is assigned to here; returns how many.

    The queue is read before the assignments: an assignment is written before its prompt
    is sent, so a prompt that was queued when we looked has its assignment by now.
    """
    queue = await link.client.get_queue()
    ours = [
        item.prompt_id
        for item in (*queue.running, *queue.pending)
        if item.client_id is not None and item.client_id.startswith(client_prefix)
    ]
    if not ours:
        return 0
    members = await resources.store.smembers(f"ch:1:backend:{link.backend.id}:slots")
    jobs = [await find_job(resources.store, str(job_id)) for job_id in members]
    wanted = {job.attempt_id for job in jobs if job is not None}
    strays = [prompt_id for prompt_id in ours if prompt_id not in wanted]
    for prompt_id in strays:
        log.info("taking stray prompt %s off backend %s", prompt_id, link.backend.id)
        await link.remove_prompt(prompt_id)
    return len(strays)
