"""A job's input files on their way to a backend, and away from it again.

Their names there are derived from owner, job and file: strangers cannot guess them, jobs
never share one, so whoever ends the job may remove them without asking anybody.
"""

from collections.abc import Mapping
from typing import Any

from comfyhoused.adapters.comfyui.errors import BackendUnreachable
from comfyhoused.core.files.records import File, FileNotFound, get_file
from comfyhoused.core.fleet.link import BackendDied, BackendLink
from comfyhoused.core.jobs.holding import ensure_held
from comfyhoused.core.jobs.insist import insist
from comfyhoused.core.jobs.record import JobNotFound, get_spec
from comfyhoused.core.jobs.run import Run
from comfyhoused.core.workflows.files import list_file_ids
from comfyhoused.kit.crypto import make_keyed_name
from comfyhoused.resources import Resources

_SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/tiff": "tiff"}


async def bring_inputs(
    resources: Resources, link: BackendLink, run: Run, graph: Mapping[str, Any]
) -> dict[str, str]:
    """Upload the files that a graph names; returns their names on the backend by file id."""
    names = {}
    for file_id in list_file_ids(graph):
        file = await insist(lambda i=file_id: get_file(resources.store, run.job.owner, i))  # type: ignore[misc]
        names[file_id] = await _upload(resources, link, run, file)
    return names


async def list_input_names(resources: Resources, run: Run) -> list[str]:
    """Return the names that this job's inputs have, uploaded by whomever."""
    try:
        spec = await insist(lambda: get_spec(resources.store, run.job.id))
    except JobNotFound:
        return run.inputs
    names = set(run.inputs)
    for file_id in list_file_ids(spec["graph"]):
        try:
            file = await insist(lambda i=file_id: get_file(resources.store, run.job.owner, i))  # type: ignore[misc]
        except FileNotFound:
            continue
        names.add(_make_name(resources, run, file))
    return sorted(names)


async def _upload(resources: Resources, link: BackendLink, run: Run, file: File) -> str:
    name = _make_name(resources, run, file)
    await ensure_held(resources, run)
    run.inputs.append(name)
    try:
        await link.client.upload(name, resources.storage.read(file.key))
    except BackendUnreachable as error:  # nothing was submitted: another attempt is due
        raise BackendDied(error.detail) from error
    return name


def _make_name(resources: Resources, run: Run, file: File) -> str:
    secret = resources.settings.house.secret.get_secret_value().encode()
    stem = make_keyed_name(secret, run.job.owner, run.job.id, file.id)
    return f"ch_{stem}.{_SUFFIXES.get(file.content_type, 'bin')}"
