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
from comfyhoused.core.files.records import File, get_file
from comfyhoused.core.fleet.link import BackendDied, BackendLink
from comfyhoused.core.jobs.assignment import LeaseLost, renew
from comfyhoused.core.jobs.insist import insist
from comfyhoused.core.jobs.record import get_spec
from comfyhoused.core.jobs.run import Run
from comfyhoused.core.workflows.files import list_file_ids
from comfyhoused.core.workflows.graph import Graph, Workflow
from comfyhoused.core.workflows.preparation import prepare_graph
from comfyhoused.kit.crypto import make_keyed_name
from comfyhoused.resources import Resources

_SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/tiff": "tiff"}


class AttemptOver(Exception):
    """This attempt id is used up and nothing runs under it: another number is due."""


async def ensure_submitted(resources: Resources, link: BackendLink, run: Run) -> Look | None:
    """Bring the prompt to the backend, exactly once; returns what a look found, if one was due.

    Raises BackendDied, AttemptOver, GraphRefused and BackendBroken.
    """
    assignment = run.assignment
    if assignment.is_adopted:
        if not link.has_pack:
            # Without the fence the lost worker's POST may still be on its way.
            await asyncio.sleep(resources.settings.fleet.post_timeout_seconds)
        look = await link.look(assignment.attempt_id)
        if not isinstance(look, Absent):
            return look
        if run.is_started:
            raise BackendDied("It ran, and the backend does not know it any more.")
    graph = await prepare(resources, link, run)
    run.boot_id = link.boot_id
    if not link.has_pack:
        # Nothing but the lease keeps a second copy away: it must outlast the POST.
        lease_ms = int(resources.settings.jobs.lease_seconds * 1000)
        lost, _ = await insist(lambda: renew(resources.store, [assignment], lease_ms))
        if lost:
            raise LeaseLost("another worker has it")
    return await _submit(resources, link, run, graph)


async def prepare(resources: Resources, link: BackendLink, run: Run) -> Graph:
    """Return the graph of this attempt, its input files uploaded."""
    spec = await insist(lambda: get_spec(resources.store, run.job.id))
    workflow = Workflow(spec["graph"])
    names = {}
    for file_id in list_file_ids(workflow.graph):
        file = await insist(lambda i=file_id: get_file(resources.store, run.job.owner, i))  # type: ignore[misc]
        names[file_id] = await _upload(resources, link, run, file)
    return prepare_graph(workflow, attempt_id=run.assignment.attempt_id, file_names=names)


async def _upload(resources: Resources, link: BackendLink, run: Run, file: File) -> str:
    secret = resources.settings.house.secret.get_secret_value().encode()
    stem = make_keyed_name(secret, run.job.owner, file.hash)
    name = f"ch_{stem}.{_SUFFIXES.get(file.content_type, 'bin')}"
    must_upload = link.take_input(name)
    run.inputs.append(name)
    if must_upload:
        try:
            await link.client.upload(name, resources.storage.read(file.key))
        except BackendUnreachable as error:  # nothing was submitted: another attempt is due
            raise BackendDied(error.detail) from error
        link.uploaded.add(name)
    return name


async def _submit(resources: Resources, link: BackendLink, run: Run, graph: Graph) -> Look | None:
    attempt_id = run.assignment.attempt_id
    link.health.note_submitted(attempt_id, time.monotonic())
    try:
        submitted = await link.client.submit(
            graph,
            prompt_id=attempt_id,
            client_id=run.assignment.client_id,
            attempt=attempt_id,
        )
    except AttemptSeen as error:
        return await _find_again(link, attempt_id, error.detail)
    except BackendUnreachable as error:
        if error.refused:
            link.is_ready.clear()
            raise BackendDied(error.detail) from error
        return await _find_after_silence(resources, link, attempt_id)
    except BackendBroken:
        look = await link.look(attempt_id)
        if isinstance(look, Absent):
            raise
        return look
    except GraphRefused:
        if run.inputs and link.uploaded.issuperset(run.inputs):
            # The backend may have lost a file we believed there: send it anew next time.
            link.uploaded.difference_update(run.inputs)
            if run.assignment.attempt == 1:
                raise AttemptOver("An input file may be missing on the backend.") from None
        raise
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


async def _find_after_silence(resources: Resources, link: BackendLink, attempt_id: str) -> Look:
    """The POST may have arrived. Wait out the time it could take, then look."""
    await asyncio.sleep(resources.settings.fleet.post_timeout_seconds)
    return await _find_again(link, attempt_id, "The POST did not arrive.")
