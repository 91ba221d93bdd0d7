"""From an assignment to a prompt on the backend: look first, upload, post once."""

import asyncio
import time

from comfyhoused.adapters.comfyui.errors import (
    AttemptSeen,
    BackendBroken,
    BackendUnreachable,
    GraphRefused,
)
from comfyhoused.adapters.comfyui.look import Absent, Look
from comfyhoused.core.fleet.link import BackendDied, BackendLink
from comfyhoused.core.jobs.holding import ensure_held, ensure_lease_outlasts_post
from comfyhoused.core.jobs.inputs import bring_inputs
from comfyhoused.core.jobs.insist import insist
from comfyhoused.core.jobs.record import get_spec
from comfyhoused.core.jobs.run import Run
from comfyhoused.core.workflows.graph import Graph, Workflow
from comfyhoused.core.workflows.preparation import prepare_graph
from comfyhoused.resources import Resources


class AttemptOver(Exception):
    """This attempt id is used up and nothing runs under it: another number is due."""


async def ensure_submitted(resources: Resources, link: BackendLink, run: Run) -> Look | None:
    """Bring the prompt to the backend, exactly once; returns what a look found, if one was due.

    Raises BackendDied, AttemptOver, LeaseLost, GraphRefused and BackendBroken.
    """
    if run.assignment.is_adopted:
        look = await _look_after_another(resources, link, run)
        if not isinstance(look, Absent):
            return look
        if run.is_started:
            raise BackendDied("It ran, and the backend does not know it any more.")
    graph = await _prepare(resources, link, run)
    run.boot_id = link.boot_id
    return await _submit(resources, link, run, graph)


async def _look_after_another(resources: Resources, link: BackendLink, run: Run) -> Look:
    if not link.has_pack:
        # Without the fence the lost worker's POST may still be on its way.
        await asyncio.sleep(resources.settings.fleet.post_timeout_seconds)
    return await link.look(run.assignment.attempt_id)


async def _prepare(resources: Resources, link: BackendLink, run: Run) -> Graph:
    """Return the graph of this attempt, its input files uploaded."""
    spec = run.spec
    if spec is None:
        spec = await insist(lambda: get_spec(resources.store, run.job.id))
    workflow = Workflow(spec["graph"])
    names = await bring_inputs(resources, link, run, workflow.graph)
    return prepare_graph(workflow, attempt_id=run.assignment.attempt_id, file_names=names)


async def _submit(resources: Resources, link: BackendLink, run: Run, graph: Graph) -> Look | None:
    """Post it; after a silence look, and where the fence refuses a second copy post again."""
    while not run.stop.is_set():
        if link.has_pack:
            await ensure_held(resources, run)
        else:
            await ensure_lease_outlasts_post(resources, run)
        try:
            return await _post(resources, link, run, graph)
        except BackendUnreachable as error:
            if error.refused:
                link.is_ready.clear()
                raise BackendDied(error.detail) from error
        # The POST may have arrived, or may arrive yet. Wait out the time it could take.
        await asyncio.sleep(resources.settings.fleet.post_timeout_seconds)
        look = await link.look(run.assignment.attempt_id)
        if not isinstance(look, Absent):
            return look
        if not link.has_pack:
            raise AttemptOver("The POST did not arrive.")
    return None


async def _post(resources: Resources, link: BackendLink, run: Run, graph: Graph) -> Look | None:
    attempt_id = run.assignment.attempt_id
    fleet = resources.settings.fleet
    link.health.note_submitted(attempt_id, time.monotonic())
    try:
        submitted = await link.client.submit(
            graph,
            prompt_id=attempt_id,
            client_id=run.assignment.client_id,
            attempt=attempt_id,
            # Behind the fence nothing depends on a quick answer: a slow server gets its time.
            timeout_seconds=fleet.http_timeout_seconds if link.has_pack else None,
        )
        run.is_posted = True
    except AttemptSeen as error:
        run.is_posted = True
        return await _find_again(link, attempt_id, error.detail)
    except BackendBroken:
        look = await link.look(attempt_id)
        if isinstance(look, Absent):
            raise
        return look
    if submitted.partial:
        await link.remove_prompt(attempt_id)
        raise GraphRefused("Some outputs of the workflow are invalid.", submitted.errors)
    return None


async def _find_again(link: BackendLink, attempt_id: str, detail: str) -> Look:
    """The backend has met this attempt. It may still be checking the graph, so look again."""
    for pause in (0.0, 0.2, 1.0):
        await asyncio.sleep(pause)
        look = await link.look(attempt_id)
        if not isinstance(look, Absent):
            return look
    raise AttemptOver(detail)
