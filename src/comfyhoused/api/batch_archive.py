"""All outputs of a batch as one ZIP, made while it is sent: never whole in memory or on disk."""

import re
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson

from comfyhoused.adapters.storage.storage import ObjectMissing
from comfyhoused.core.files.content_types import EXTENSIONS
from comfyhoused.core.files.records import File, FileNotFound, get_file
from comfyhoused.core.jobs.archive import load_document
from comfyhoused.core.jobs.batches import Batch, Item, list_items
from comfyhoused.core.jobs.record import Job
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.zip_stream import Member, stream_members
from comfyhoused.resources import Resources

MANIFEST = "manifest.json"

_PAGE = 20
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 60
_NAMING = ("name", "filename", "id")


@dataclass
class Archive:
    """What has gone into a ZIP so far, for the manifest that ends it."""

    resources: Resources
    batch: Batch
    rows: list[dict[str, Any]] = field(default_factory=list)

    def stream(self) -> AsyncIterator[bytes]:
        """Yield the ZIP's bytes."""
        return stream_members(self._list_members())

    async def _list_members(self) -> AsyncIterator[Member]:
        cursor: str | None = None
        while True:
            page = await list_items(self.resources.store, self.batch.id, limit=_PAGE, cursor=cursor)
            for item in page.items:
                async for member in self._list_outputs(item):
                    yield member
            cursor = page.next_cursor
            if cursor is None:
                break
        manifest = {"batch_id": self.batch.id, "metadata": self.batch.metadata, "jobs": self.rows}
        content = orjson.dumps(manifest, option=orjson.OPT_INDENT_2)
        yield Member(MANIFEST, get_now(), _yield(content))

    async def _list_outputs(self, item: Item) -> AsyncIterator[Member]:
        row: dict[str, Any] = {"item": item.number, "job_id": item.job_id, "status": "erased"}
        self.rows.append(row)
        if item.job is None:
            return
        job = await load_document(self.resources.storage, item.job)
        row |= {
            "status": job.state.value,
            "error": job.error,
            "metadata": job.facts.get("metadata", {}),
            "seed": job.facts.get("parameters", {}).get("seed"),
            "files": [],
            "missing": [],
        }
        stem = name_item(item.number, self.batch.total, row["metadata"])
        for number, output in enumerate(job.outputs, 1):
            file = await self._find_file(job, output["file_id"])
            if file is None:  # deleted, or its time is over
                row["missing"].append(output["file_id"])
                continue
            suffix = f"-{number}" if len(job.outputs) > 1 else ""
            name = f"{stem}{suffix}.{EXTENSIONS[file.content_type]}"
            row["files"].append({"name": name, "size_bytes": file.size_bytes, "hash": file.hash})
            chunks = self.resources.storage.read(file.key)
            yield Member(name, job.finished_at or job.created_at, chunks)

    async def _find_file(self, job: Job, file_id: str) -> File | None:
        with suppress(FileNotFound, ObjectMissing):
            file = await get_file(self.resources.store, job.owner, file_id)
            await self.resources.storage.get_size(file.key)
            return file
        return None


def name_item(number: int, total: int, metadata: dict[str, str]) -> str:
    """Return an item's file name without ending: its number, and what its metadata calls it."""
    digits = str(number).zfill(max(4, len(str(total - 1))))
    given = next((metadata[key] for key in _NAMING if metadata.get(key)), "")
    words = _UNFIT.sub("-", given)[:_LONGEST_NAME].strip("-.")
    return f"{digits}-{words}" if words else digits


async def _yield(content: bytes) -> AsyncIterator[bytes]:
    yield content
