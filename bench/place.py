"""What is measured: a house of real processes, and a direct line to the server behind it."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.customer import Customer, open_customer
from bench.direct import DirectClient, open_direct
from comfyhoused.settings import FleetSettings, JobSettings
from tests.house import QUICK, House

#: A real ComfyUI server to measure against, in place of the built-in engine.
REAL_SERVER = os.environ.get("CH_TEST_COMFYUI_URL", "").rstrip("/")


@dataclass(frozen=True, slots=True)
class Place:
    """The house, a customer of it, and the same backend without it."""

    house: House
    customer: Customer
    direct: DirectClient

    @property
    def is_engine(self) -> bool:
        """Tell whether the backend is the built-in engine, which has switches."""
        return not REAL_SERVER


@asynccontextmanager
async def open_place(folder: Path) -> AsyncIterator[Place]:
    """Start the house with its default settings and connect to both doors."""
    environment = _list_defaults()
    if REAL_SERVER:
        environment["CH_COMFYUI_URLS"] = REAL_SERVER
    async with House(folder, environment=environment) as house:
        backend = REAL_SERVER or house.engine.url
        key = await house.make_key()
        async with open_customer(house.url, key) as customer, open_direct(backend) as direct:
            yield Place(house, customer, direct)


def _list_defaults() -> dict[str, str]:
    """Undo the short waits that tests use: the settings of every new house are measured."""
    fields = {**JobSettings.model_fields, **FleetSettings.model_fields}
    return {name: str(fields[name.removeprefix("CH_").lower()].default) for name in QUICK}
