"""The input of an edit's job: the prepared photo as a file of the user's, named by the job."""

import hashlib
from contextlib import suppress
from pathlib import Path

from sqlalchemy import select

from comfyhoused.core.files.records import (
    FileDraft,
    FileNotFound,
    create_file,
    delete_file,
    expect_object,
)
from comfyhoused.core.photos.shapes import PreparedPhoto
from comfyhoused.creator.edits.pictures import MOST_BYTES, read_path
from comfyhoused.creator.edits.work import Work
from comfyhoused.creator.house import CreatorHouse, make_owner
from comfyhoused.creator.tables import Edit
from comfyhoused.creator.words import OPEN_EDIT_STATES

#: An input that nobody wants any more goes by itself after so long.
KEEP_INPUT_SECONDS = 9 * 86_400
_PNG = "image/png"


def make_input_id(job_id: str) -> str:
    """Return the id of the job's input, derived: whoever prepares it again makes the same file."""
    return f"file_{hashlib.sha256(f'{job_id}/prepared'.encode()).hexdigest()[:22]}"


async def keep_input(house: CreatorHouse, work: Work, path: Path, prepared: PreparedPhoto) -> None:
    """Keep the prepared photo as the job's input. Idempotent by the job."""
    resources, file_id = house.resources, make_input_id(work.edit.job_id)
    key = f"inputs/{file_id}.png"
    if await expect_object(resources.store, file_id, key) is not None:
        return
    stored = await resources.storage.put(
        key, read_path(path), content_type=_PNG, max_bytes=MOST_BYTES
    )
    draft = FileDraft(
        id=file_id,
        owner=make_owner(work.user.id),
        key=key,
        content_type=_PNG,
        size_bytes=stored.size_bytes,
        hash=stored.hash,
        width=prepared.facts.width,
        height=prepared.facts.height,
        purpose="input",
        keep_seconds=KEEP_INPUT_SECONDS,
    )
    await create_file(resources.store, draft)


async def drop_input(house: CreatorHouse, user_id: str, job_id: str) -> None:
    """Remove the input of a job that nobody wants, if there is one."""
    resources = house.resources
    with suppress(FileNotFound):
        await delete_file(
            resources.store, resources.storage, make_owner(user_id), make_input_id(job_id)
        )


async def is_wanted(house: CreatorHouse, job_id: str) -> bool:
    """Tell whether an open edit has this job: then whoever holds it goes on with it."""
    async with house.database.begin() as session:
        query = select(Edit.id).where(Edit.job_id == job_id, Edit.state.in_(OPEN_EDIT_STATES))
        return await session.scalar(query) is not None
