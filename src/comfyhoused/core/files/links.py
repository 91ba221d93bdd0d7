"""Signed links to files, made when they are read."""

from comfyhoused.core.files.content_types import EXTENSIONS
from comfyhoused.core.files.records import File, FileDraft
from comfyhoused.resources import Resources


async def make_file_link(resources: Resources, file: File | FileDraft) -> str:
    """Return an address from which anybody can fetch the file for as long as links are valid.

    A draft has its object, but no record yet.
    """
    settings = resources.settings
    return await resources.storage.make_link(
        file.key,
        expires_in_seconds=settings.storage.link_seconds,
        content_type=file.content_type,
        filename=f"{file.id}.{EXTENSIONS[file.content_type]}",
        public_url=settings.http.base_url,
        etag=file.hash,
    )
