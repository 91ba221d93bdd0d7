"""The backends that the settings name, and what workers last saw of each."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from comfyhoused.adapters.redis.client import Store
from comfyhoused.kit.clock import get_now_ms
from comfyhoused.settings import Settings

Mode = Literal["live", "test"]
BackendState = Literal["ready", "unreachable", "stuck"]
_STATUSES = "ch:1:backends"
#: The built-in engine's id, which no other server may have: it alone works for test keys.
ENGINE = "engine"

#: A status older than this is shown as unreachable: no worker looks after that backend.
STALE_AFTER_MS = 15_000


@dataclass(frozen=True, slots=True)
class Backend:
    """One ComfyUI server; `modes` are the kinds of keys it works for."""

    id: str
    url: str
    modes: tuple[Mode, ...]
    is_engine: bool


@dataclass(frozen=True, slots=True)
class BackendStatus:
    """What a worker last saw. `guarantee` says whether the backend refuses doubled attempts."""

    id: str
    url: str
    modes: tuple[Mode, ...]
    is_engine: bool
    state: BackendState
    version: str
    boot_id: str
    guarantee: Literal["fence", "lease"]
    catalogue: str
    checkpoints: int
    seen_at: int

    @property
    def is_ready(self) -> bool:
        """Tell whether it takes jobs now."""
        return self.state == "ready" and get_now_ms() - self.seen_at < STALE_AFTER_MS


def list_backends(settings: Settings, added: Sequence[Backend] = ()) -> list[Backend]:
    """Return the backends of this house: those of the settings, and those added since.

    The engine serves test mode. It serves live keys only in development and only where no
    ComfyUI is named; otherwise live jobs wait for a real server.
    """
    fleet = settings.fleet
    named = [Backend(make_backend_id(url), url, ("live",), False) for url in fleet.comfyui_urls]
    known = {backend.id for backend in named}
    backends = [*named, *(backend for backend in added if backend.id not in known)]
    if fleet.engine_url:
        is_alone = not backends and settings.house.mode == "development"
        modes: tuple[Mode, ...] = ("live", "test") if is_alone else ("test",)
        backends.append(Backend(ENGINE, fleet.engine_url.rstrip("/"), modes, True))
    return backends


def make_backend_id(url: str) -> str:
    """Return the name of a ComfyUI server, made from its address."""
    parts = urlsplit(url)
    path = parts.path.strip("/").replace("/", "-")
    name = "-".join(part for part in (parts.hostname or "", str(parts.port or ""), path) if part)
    return f"{name}-80" if name == ENGINE else name


async def save_status(store: Store, status: BackendStatus) -> None:
    """Keep what was seen, for the API and the pages."""
    await store.hset(_STATUSES, status.id, json.dumps(asdict(status)))


async def list_statuses(store: Store, mode: Mode | None = None) -> list[BackendStatus]:
    """Return what is known of the backends, of one mode or of all."""
    rows = cast(dict[str, str], await store.hgetall(_STATUSES))
    statuses = [BackendStatus(**_with_tuple(json.loads(text))) for text in rows.values()]
    return sorted((s for s in statuses if mode is None or mode in s.modes), key=lambda s: s.id)


async def forget_others(store: Store, ids: Sequence[str]) -> None:
    """Drop statuses of backends that the settings do not name any more."""
    known = cast(list[str], await store.hkeys(_STATUSES))
    gone = [one for one in known if one not in ids]
    if gone:
        await store.hdel(_STATUSES, *gone)


def _with_tuple(fields: dict[str, Any]) -> dict[str, Any]:  # JSON has no tuples
    return {**fields, "modes": tuple(fields["modes"])}
