"""Lua scripts that live as files: loaded once, called by name."""

import hashlib
from pathlib import Path
from typing import Any

from redis.exceptions import NoScriptError

from comfyhoused.adapters.redis.client import Store

Argument = str | int | float


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


def _make_digest(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()  # as Redis names it


def _join(text: str, prelude: str) -> str:
    if not text.startswith("#!"):
        return prelude + "\n" + text
    shebang, _, rest = text.partition("\n")
    return f"{shebang}\n{prelude}\n{rest}"
