"""What every part of the demo is handed."""

from dataclasses import dataclass, field

from aiohttp import web

from comfyhouse_demo.google.faults import Faults
from comfyhouse_demo.google.keys import SigningKey
from comfyhouse_demo.google.store import Store
from comfyhouse_demo.google.switches import Switches


@dataclass(frozen=True, slots=True)
class Client:
    """The app that may ask. `origins`: where people may be sent back to; none: anywhere."""

    id: str
    secret: str
    origins: tuple[str, ...] = ()


@dataclass(slots=True)
class Google:
    """The demo Google: its memory, its address, the app it knows, and how it misbehaves."""

    store: Store
    public_url: str
    client: Client
    key: SigningKey
    faults: Faults = field(default_factory=Faults)
    switches: Switches = field(default_factory=Switches)


GOOGLE = web.AppKey("google", Google)
