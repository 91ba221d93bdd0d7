"""From an outcome to a terminal record: ours before theirs, then the backend is cleaned."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from comfyhoused.adapters.comfyui.errors import BackendBroken, BackendUnreachable
from comfyhoused.adapters.comfyui.history import Outcome, OutputRef
from comfyhoused.adapters.comfyui.transfer import MAX_OUTPUT_BYTES, InputRef, StoredFile
from comfyhoused.adapters.redis.client import StoreUnavailable
from comfyhoused.adapters.storage.storage import StorageUnavailable
from comfyhoused.core.files.content_types import make_safe_type
from comfyhoused.core.files.erase import erase_outputs
from comfyhoused.core.files.finish import Finish, read_finish
from comfyhoused.core.files.finishing import open_finished
from comfyhoused.core.files.limits import Limits
from comfyhoused.core.files.places import OutputPlace
from comfyhoused.core.files.records import FileDraft
from comfyhoused.core.files.store_output import store_output
from comfyhoused.core.fleet.link import BackendDied, BackendLink
from comfyhoused.core.jobs.insist import insist
from comfyhoused.core.jobs.record import find_job, get_spec
from comfyhoused.core.jobs.run import Run
from comfyhoused.core.jobs.states import JobState
from comfyhoused.core.jobs.success import Delivery
from comfyhoused.kit.log import get_logger
from comfyhoused.resources import Resources

log = get_logger(__name__)

_LONGEST_PAUSE_SECONDS = 5.0


async def fetch_outputs(
    resources: Resources, link: BackendLink, run: Run, outcome: Outcome
) -> list[Delivery]:
    """Bring every output into our storage, finished as its job asks; texts become files, too.

    `succeed` keeps them together with the job's end. A storage that is away is waited for:
    a picture that is done is never thrown away. Raises OutputMissing (a cached run announced a
    deleted file), BackendDied, and of a picture that cannot be finished OutputUnreadable or
    OutputTooLarge.
    """
    finish = await _find_finish(resources, run)
    files = [
        Delivery(ref.node_id, ref.kind, await _fetch(resources, link, run, ref, index, finish))
        for index, ref in enumerate(outcome.outputs)
    ]
    texts = [
        Delivery(one.node_id, "text", await _keep_text(resources, run, one.text, index))
        for index, one in enumerate(outcome.texts, start=len(files))
    ]
    return files + texts


async def _find_finish(resources: Resources, run: Run) -> Finish | None:
    if run.spec is None:  # adopted
        run.spec = await insist(lambda: get_spec(resources.store, run.job.id))
    return read_finish(run.spec.get("finish"))


async def _fetch(
    resources: Resources,
    link: BackendLink,
    run: Run,
    ref: OutputRef,
    index: int,
    finish: Finish | None,
) -> FileDraft:
    limits = Limits(MAX_OUTPUT_BYTES, resources.settings.http.max_pixels, resources.spool_dir)
    place = OutputPlace(run.job.owner, run.job.id, run.assignment.attempt_id, index)
    pause = 0.1
    give_up_at: float | None = None
    loop = asyncio.get_running_loop()
    while True:
        try:
            async with (
                link.client.open_output(ref) as stream,
                open_finished(stream.chunks, finish, limits) as chunks,
            ):
                return await store_output(
                    resources.store,
                    resources.storage,
                    place,
                    chunks,
                    make_safe_type(stream.content_type, ref.filename),
                    max_bytes=MAX_OUTPUT_BYTES,
                    keep_seconds=run.job.keep_seconds,
                )
        except (StorageUnavailable, StoreUnavailable) as error:
            log.warning("an output of job %s waits for us: %s", run.job.id, error.detail)
        except (BackendUnreachable, BackendBroken) as error:
            lost_after = resources.settings.fleet.backend_lost_seconds
            give_up_at = give_up_at or loop.time() + lost_after
            if loop.time() >= give_up_at:
                raise BackendDied(error.detail) from error
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


async def _keep_text(resources: Resources, run: Run, text: str, index: int) -> FileDraft:
    place = OutputPlace(run.job.owner, run.job.id, run.assignment.attempt_id, index)
    pause = 0.1
    while True:
        try:
            return await store_output(
                resources.store,
                resources.storage,
                place,
                _stream_text(text),
                "text/plain",
                max_bytes=MAX_OUTPUT_BYTES,
                keep_seconds=run.job.keep_seconds,
            )
        except (StorageUnavailable, StoreUnavailable) as error:
            log.warning("a text of job %s waits for us: %s", run.job.id, error.detail)
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


async def _stream_text(text: str) -> AsyncIterator[bytes]:
    yield text.encode("utf-8", "replace")  # half a character cannot be written at all


async def settle_loss(resources: Resources, run: Run) -> bool:
    """After the lease was lost; returns whether the job is over, so that nobody needs its files.

    What we kept of an attempt that others have overtaken is removed: nobody knows of it.
    """
    job = await find_job(resources.store, run.job.id)
    is_over = job is None or job.state.is_terminal
    winner = None
    if job is not None and (job.state is JobState.SUCCEEDED or not is_over):
        winner = job.attempt_id
    if run.is_delivering and winner != run.assignment.attempt_id:
        with suppress(StorageUnavailable):
            await erase_outputs(
                resources.store,
                resources.storage,
                run.job.owner,
                run.job.id,
                except_attempt_id=winner,
            )
    return is_over


async def clean_backend(
    link: BackendLink, outputs: Sequence[OutputRef], inputs: Sequence[str]
) -> None:
    """Remove outputs that are ours now, and the inputs of a run that is over."""
    gone: list[StoredFile] = [*outputs, *(InputRef(name) for name in inputs)]
    try:
        await link.client.delete_files(gone)
    except (BackendUnreachable, BackendBroken) as error:
        log.warning("files stay on backend %s: %s", link.backend.id, error.detail)
