"""The demo's API key: made once, kept in a file that only its owner can read."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from comfyhoused.embedded.first_picture import Customer


async def get_demo_key(url: str, place: Path, create_key: Callable[[], Awaitable[str]]) -> str:
    """Return the key of an earlier run where the house still knows it, else a new one."""
    kept = _read(place)
    if kept:
        async with Customer(url, kept) as customer:
            if await customer.is_known():
                return kept
    key = await create_key()
    _write(place, key)
    return key


def _read(place: Path) -> str:
    return place.read_text().strip() if place.exists() else ""


def _write(place: Path, key: str) -> None:
    place.unlink(missing_ok=True)
    place.touch(mode=0o600, exist_ok=False)
    place.write_text(f"{key}\n")
