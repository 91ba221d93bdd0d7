"""A place on disk for bytes that are not trusted yet. Nameless: a killed process leaves none."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO

from comfyhoused.adapters.storage.disk import read_chunks, translate_errors, write_chunks
from comfyhoused.adapters.storage.storage import Meter


class Spool:
    """Bytes in a temporary file."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    async def fill(self, chunks: AsyncIterable[bytes], *, max_bytes: int) -> None:
        """Write all chunks; raises FileTooLarge as soon as there are too many."""
        await write_chunks(self.file, Meter(max_bytes).pass_on(chunks))

    async def read(self) -> AsyncIterator[bytes]:
        """Stream everything from the beginning."""
        self.file.seek(0)
        async for chunk in read_chunks(self.file, os.fstat(self.file.fileno()).st_size):
            yield chunk


@asynccontextmanager
async def open_spool(folder: Path) -> AsyncIterator[Spool]:
    """Open an empty spool in the folder, which is made if need be."""
    with translate_errors():
        file = await asyncio.to_thread(_open_nameless, folder)
    with file:
        yield Spool(file)


def _open_nameless(folder: Path) -> BinaryIO:
    folder.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryFile(dir=folder)
