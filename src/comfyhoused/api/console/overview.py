"""What the page says about the house: servers, what they can do, and the line before them."""

from dataclasses import dataclass, field

from comfyhoused.adapters.redis.client import StoreUnavailable
from comfyhoused.api.console.visitors import Place
from comfyhoused.api.house import ApiHouse
from comfyhoused.core.fleet.added import list_added
from comfyhoused.core.fleet.backends import (
    Backend,
    BackendStatus,
    list_backends,
    list_statuses,
)
from comfyhoused.core.jobs.counting import QueueCounts, count_queue
from comfyhoused.kit.clock import get_now_ms

#: A worker needs a moment to meet a server that was just named.
_WORDS = {
    "ready": ("succeeded", "Ready"),
    "unreachable": ("failed", "Does not answer"),
    "stuck": ("failed", "Stuck: restart it"),
    "new": ("queued", "Being met"),
}


@dataclass(frozen=True, slots=True)
class Server:
    """One row of the table. `glyph` and `words` show its state."""

    id: str
    name: str
    kind: str
    glyph: str
    words: str
    is_ready: bool
    is_engine: bool
    is_added: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """All of it. Without the store nothing is known: `counts` is None then."""

    servers: tuple[Server, ...] = ()
    counts: QueueCounts | None = None
    places: tuple[Place, ...] = field(default=("sandbox",))

    @property
    def ready_count(self) -> int | None:
        """How many servers take work now; None where nobody knows."""
        return None if self.counts is None else sum(server.is_ready for server in self.servers)

    @property
    def comfyui_servers(self) -> tuple[Server, ...]:
        """The servers that are no sandbox."""
        return tuple(server for server in self.servers if not server.is_engine)


async def look_around(house: ApiHouse) -> Overview:
    """Return what is known now; never fails because the store is away."""
    store = house.resources.store
    try:
        added = await list_added(store)
        statuses = {status.id: status for status in await list_statuses(store)}
        counts = await count_queue(store)
    except StoreUnavailable:
        return Overview()
    settings = house.resources.settings
    named = {backend.id for backend in list_backends(settings)}
    servers = tuple(
        _describe(backend, statuses.get(backend.id), is_added=backend.id not in named)
        for backend in list_backends(settings, added)
    )
    return Overview(servers, counts, _list_places(servers))


def _list_places(servers: tuple[Server, ...]) -> tuple[Place, ...]:
    places: list[Place] = []
    if any(server.is_engine for server in servers):
        places.append("sandbox")
    if any(not server.is_engine for server in servers):
        places.append("comfyui")
    return tuple(places)


def _describe(backend: Backend, status: BackendStatus | None, *, is_added: bool) -> Server:
    state = "new"
    if status is not None:
        is_stale = status.state == "ready" and not status.is_ready
        state = "unreachable" if is_stale else status.state
    glyph, words = _WORDS[state]
    return Server(
        id=backend.id,
        name="Sandbox" if backend.is_engine else backend.id,
        kind="Built-in engine, no model" if backend.is_engine else f"ComfyUI at {backend.url}",
        glyph=glyph,
        words=words,
        is_ready=state == "ready",
        is_engine=backend.is_engine,
        is_added=is_added,
        notes=() if status is None or state == "new" else _list_notes(status),
    )


def _list_notes(status: BackendStatus) -> tuple[str, ...]:
    notes = []
    if not status.is_engine:
        if status.version:
            notes.append(f"version {status.version}")
        count = status.checkpoints
        notes.append(f"{count or 'no'} checkpoint{'' if count == 1 else 's'}")
        if status.guarantee == "lease":
            notes.append("without our node pack")
    if not status.is_ready:
        seconds = max(0, get_now_ms() - status.seen_at) // 1000
        notes.append(f"last looked at {seconds} s ago")
    return tuple(notes)
