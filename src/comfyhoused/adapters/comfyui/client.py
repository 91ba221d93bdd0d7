"""The HTTP client of one ComfyUI server."""

from collections.abc import AsyncIterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp

from comfyhoused.adapters.comfyui.documents import (
    Document,
    find_mapping,
    find_text,
    make_json,
    parse_json,
)
from comfyhoused.adapters.comfyui.errors import AttemptSeen, BackendBroken, GraphRefused
from comfyhoused.adapters.comfyui.history import Outcome, parse_history
from comfyhoused.adapters.comfyui.look import (
    Absent,
    Finished,
    Look,
    Queue,
    find_in_queue,
    parse_queue,
)
from comfyhoused.adapters.comfyui.refusals import (
    describe_refusal,
    is_attempt_seen,
    list_refusals,
)
from comfyhoused.adapters.comfyui.transfer import (
    InputRef,
    OutputStream,
    StoredFile,
    open_file,
    upload_file,
)
from comfyhoused.adapters.comfyui.wire import JSON_HEADERS, Wire, check_status, read_body
from comfyhoused.kit.errors import FieldError
from comfyhoused.kit.log import get_logger

_UNDELETED = ("refused", "failed")
_log = get_logger(__name__)

Graph = Mapping[str, Any]
"""A workflow in API format: node id -> {"class_type": …, "inputs": …}."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """The server took the prompt.

    `partial` = some output was refused and only the others will run (5); `errors` say why.
    Treat it as a refusal: delete it and interrupt it.
    """

    prompt_id: str
    errors: tuple[FieldError, ...] = ()

    @property
    def partial(self) -> bool:
        return bool(self.errors)


@dataclass(frozen=True, slots=True)
class Hello:
    """What our node pack says of itself and of the server's present life."""

    boot_id: str
    pack: str
    has_fence: bool
    has_cleanup: bool


class ComfyClient:
    """One per server, owned by one process and used within one event loop.

    Every method raises BackendUnreachable (no answer) and BackendBroken (a senseless one).
    """

    def __init__(
        self, base_url: str, *, http_timeout_seconds: float, post_timeout_seconds: float
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._wire = Wire(base_url, timeout_seconds=http_timeout_seconds)
        self._post_limits = aiohttp.ClientTimeout(total=post_timeout_seconds)

    async def close(self) -> None:
        """Close the connections."""
        await self._wire.close()

    async def submit(
        self,
        graph: Graph,
        *,
        prompt_id: str,
        client_id: str,
        attempt: str,
        timeout_seconds: float | None = None,
    ) -> Submitted:
        """Queue a graph under our own id, within the POST timeout or another. No `number`.

        Raises GraphRefused, AttemptSeen, and after BackendUnreachable without `refused` or
        BackendBroken it may be queued all the same: look before trying again.
        """
        body = make_json(
            {
                "prompt": graph,
                "prompt_id": prompt_id,
                "client_id": client_id,
                "extra_data": {"comfyhouse": {"attempt": attempt}},
            }
        )
        limits = self._post_limits
        if timeout_seconds is not None:
            limits = aiohttp.ClientTimeout(total=timeout_seconds)
        async with self._wire.request(
            "POST", "/prompt", data=body, headers=JSON_HEADERS, timeout=limits
        ) as response:
            if response.status == 400:
                raise _make_refusal(parse_json(await read_body(response)))
            check_status(response)
            answer = parse_json(await read_body(response))
        if find_text(answer, "prompt_id") != prompt_id:
            raise BackendBroken("The ComfyUI server does not take prompt ids; it is too old.")
        refused = list_refusals(answer) if find_mapping(answer, "node_errors") else ()
        return Submitted(prompt_id, tuple(refused))

    async def forbid(self, attempt: str) -> None:
        """Show the fence an attempt without a prompt: whoever submits it later is refused.

        Only for a server with the node pack; ComfyUI answers 400 `no_prompt` either way.
        """
        body = make_json({"extra_data": {"comfyhouse": {"attempt": attempt}}})
        async with self._wire.request(
            "POST", "/prompt", data=body, headers=JSON_HEADERS, timeout=self._post_limits
        ) as response:
            if not is_attempt_seen(parse_json(await read_body(response))):
                check_status(response)

    async def look(self, prompt_id: str) -> Look:
        """Find where a prompt stands: queue first, so that one that ends meanwhile is seen."""
        place = find_in_queue(await self.get_queue(), prompt_id)
        if place is not None:
            return place
        outcome = await self.find_outcome(prompt_id)
        return Absent() if outcome is None else Finished(outcome)

    async def get_queue(self) -> Queue:
        """Return what runs and what waits, everybody's."""
        return parse_queue(await self._wire.get_json("/queue"))

    async def find_outcome(self, prompt_id: str) -> Outcome | None:
        """Return how a prompt ended; None while it has not, and for one that is not known."""
        path = f"/history/{quote(prompt_id, safe='')}"
        return parse_history(await self._wire.get_json(path), prompt_id)

    async def delete_pending(self, prompt_id: str, *, copies: int = 1) -> None:
        """Take a waiting prompt out; each copy of an id has to be named (1). Never tells (8)."""
        await self._wire.post_json("/queue", make_json({"delete": [prompt_id] * copies}))

    async def interrupt(self, prompt_id: str) -> None:
        """Stop this prompt at its next step if it is the running one. Never tells (8, 24)."""
        await self._wire.post_json("/interrupt", make_json({"prompt_id": prompt_id}))

    async def upload(
        self, name: str, chunks: AsyncIterable[bytes], *, overwrite: bool = True
    ) -> str:
        """Store an input file and return the name it got; see `upload_file`."""
        return await upload_file(self._wire, InputRef(name), chunks, overwrite=overwrite)

    def open_output(self, ref: StoredFile) -> AbstractAsyncContextManager[OutputStream]:
        """Open an output for reading; raises OutputMissing, see `open_file`."""
        return open_file(self._wire, ref)

    async def delete_files(self, refs: Sequence[StoredFile]) -> None:
        """Remove files of ours; where the node pack is missing, overwrite them with one byte."""
        files = [
            {"name": ref.filename, "subfolder": ref.subfolder, "type": ref.type} for ref in refs
        ]
        if not files:
            return
        async with self._wire.request(
            "POST",
            "/comfyhouse/files/delete",
            data=make_json({"files": files}),
            headers=JSON_HEADERS,
        ) as response:
            if response.status not in (404, 405):
                check_status(response)
                _note_undeleted(parse_json(await read_body(response)))
                return
        for ref in refs:
            await upload_file(self._wire, ref, _iterate_blank())

    async def get_object_info(self) -> Document:
        """Return the catalogue of nodes: class name -> description (0.5 MB and more)."""
        return await self._get_document("/object_info")

    async def get_system_stats(self) -> Document:
        """Return the server's version, memory and devices."""
        return await self._get_document("/system_stats")

    async def get_features(self) -> Document:
        """Return the server's feature flags, `max_upload_size` among them."""
        return await self._get_document("/features")

    async def get_hello(self) -> Hello | None:
        """Return what the node pack says; None where it is not installed."""
        async with self._wire.request("GET", "/comfyhouse/hello") as response:
            if response.status in (404, 405):
                return None
            check_status(response)
            document = parse_json(await read_body(response))
        boot_id = find_text(document, "boot_id")
        if not isinstance(document, dict) or not boot_id:
            return None
        return Hello(
            boot_id=boot_id,
            pack=str(document.get("pack", "")),
            has_fence=document.get("fence") is True,
            has_cleanup=document.get("cleanup") is True,
        )

    async def _get_document(self, path: str) -> Document:
        document = await self._wire.get_json(path)
        if not isinstance(document, dict):
            raise BackendBroken(f"The ComfyUI server answered {path} with something else.")
        return document


def _make_refusal(document: object) -> GraphRefused | AttemptSeen:
    if is_attempt_seen(document):
        return AttemptSeen("The ComfyUI server has taken this attempt before.")
    return GraphRefused(describe_refusal(document), list_refusals(document))


def _note_undeleted(counts: object) -> None:
    refused, failed = (find_mapping({"counts": counts}, "counts").get(k) for k in _UNDELETED)
    if refused or failed:
        _log.warning("files not deleted refused=%s failed=%s", refused, failed)


async def _iterate_blank() -> AsyncIterable[bytes]:
    yield b"\0"
