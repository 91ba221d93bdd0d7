"""What the backends can do: kept in Redis by workers, read by whoever checks a request.

So the API checks workflows without asking a ComfyUI server, and does so too while all
of them are down.
"""

import asyncio
import json
from collections.abc import Mapping

from blake3 import blake3

from comfyhoused.adapters.redis.client import Store
from comfyhoused.core.fleet.backends import Mode, list_statuses
from comfyhoused.core.workflows.catalogue import Catalogue, parse_catalogue
from comfyhoused.kit.errors import Unavailable

_KEEP_SECONDS = 2.0
_RELEASED_SECONDS = 86_400
_MOST_PARSED = 64


class NoBackendYet(Unavailable):
    """No ComfyUI server has been reached since this house was built."""

    code = "no_backend_yet"
    title = "No ComfyUI server has been seen yet"


async def save_catalogue(store: Store, object_info: Mapping[str, object]) -> str:
    """Keep an `/object_info` document; returns the name to find it under.

    Documents that differ only in the files of shared folders have one name: those change with
    every upload, and the checks do not look at them.
    """
    name, text = await asyncio.to_thread(_name, object_info)
    key = _make_key(name)
    # Half a megabyte: written when it is a new one, not at every look.
    if not await store.persist(key) and not await store.exists(key):
        await store.set(key, text)
    return name


async def release_catalogue(store: Store, name: str) -> None:
    """Let a catalogue go that a server has replaced; another one may still use and save it."""
    await store.expire(_make_key(name), _RELEASED_SECONDS)


class CatalogueShelf:
    """A process's parsed catalogues. Asks Redis at most every two seconds which are in use."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._parsed: dict[str, Catalogue] = {}
        self._names: dict[Mode, tuple[float, list[str]]] = {}

    async def list_catalogues(self, mode: Mode) -> list[Catalogue]:
        """Return the different catalogues of a mode's backends; raises NoBackendYet."""
        names = await self._list_names(mode)
        catalogues = [await self._get(name) for name in names]
        if not catalogues:
            raise NoBackendYet(
                "Start a ComfyUI server and name it in CH_COMFYUI_URLS, then try again.",
                headers={"Retry-After": "10"},
            )
        return catalogues

    async def _list_names(self, mode: Mode) -> list[str]:
        now = asyncio.get_running_loop().time()
        read_at, names = self._names.get(mode, (-_KEEP_SECONDS, []))
        if now - read_at >= _KEEP_SECONDS or not names:
            statuses = await list_statuses(self._store, mode)
            names = sorted({status.catalogue for status in statuses if status.catalogue})
            self._names[mode] = (now, names)
        return names

    async def _get(self, name: str) -> Catalogue:
        if name not in self._parsed:
            text = await self._store.get(_make_key(name))
            if text is None:
                raise NoBackendYet("The catalogue of the servers is being read. Try again.")
            if len(self._parsed) >= _MOST_PARSED:
                self._parsed.clear()
            self._parsed[name] = await asyncio.to_thread(_parse, str(text))
        return self._parsed[name]


def _make_key(name: str) -> str:
    return f"ch:1:catalogue:{name}"


def _name(object_info: Mapping[str, object]) -> tuple[str, str]:
    text = json.dumps(object_info, sort_keys=True)
    return blake3(repr(_parse(text)).encode()).hexdigest()[:32], text


def _parse(text: str) -> Catalogue:
    return parse_catalogue(json.loads(text))
