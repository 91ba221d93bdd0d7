"""Lua scripts that live as files: loaded once, called by name."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.exceptions import NoScriptError

from comfyhoused.adapters.redis.client import Store, translate_errors

Argument = str | int | float


@dataclass(frozen=True, slots=True)
class Call:
    """A script and its arguments, to be run together with others."""

    text: str
    digest: str
    arguments: tuple[Argument, ...]


class ScriptBook:
    """Every `.lua` file of a folder, each behind one shared beginning.

    A file may start with a shebang line (`#!lua flags=allow-oom`); the shared
    beginning is put after it.
    """

    def __init__(self, folder: Path, prelude: str) -> None:
        self._texts = {path.stem: _join(path.read_text(), prelude) for path in folder.glob("*.lua")}
        self._digests = {name: _make_digest(text) for name, text in self._texts.items()}

    def list_names(self) -> list[str]:
        """Return the names of all scripts."""
        return sorted(self._texts)

    async def run(self, store: Store, name: str, *arguments: Argument) -> Any:
        """Run a script with `ARGV`; keys are built inside, since we run on one server only."""
        try:
            return await store.evalsha(self._digests[name], 0, *arguments)
        except NoScriptError:  # the server was started since, and has forgotten it
            await store.script_load(self._texts[name])
            return await store.evalsha(self._digests[name], 0, *arguments)

    def prepare(self, name: str, *arguments: Argument) -> Call:
        """Return the call that `run` would make, for `run_together`."""
        return Call(self._texts[name], self._digests[name], arguments)


async def run_together(store: Store, calls: Sequence[Call]) -> list[Any]:
    """Run scripts one after the other in one round trip, with one wait for the server's disk.

    All must be idempotent: where one is not known there yet, all are run again. Each runs
    whatever the ones before it have answered.
    """
    answers = await _send(store, calls)
    if any(isinstance(answer, NoScriptError) for answer in answers):
        for call in calls:
            await store.script_load(call.text)
        answers = await _send(store, calls)
    with translate_errors():
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
    return answers


async def _send(store: Store, calls: Sequence[Call]) -> list[Any]:
    pipeline = store.pipeline(transaction=False)
    for call in calls:
        pipeline.evalsha(call.digest, 0, *call.arguments)
    with translate_errors():
        return await pipeline.execute(raise_on_error=False)


def _make_digest(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()  # as Redis names it


def _join(text: str, prelude: str) -> str:
    if not text.startswith("#!"):
        return prelude + "\n" + text
    shebang, _, rest = text.partition("\n")
    return f"{shebang}\n{prelude}\n{rest}"
