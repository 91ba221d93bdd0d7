"""A process in which many ask for the token of one connection: `python -m tests.token_askers`."""

import asyncio
import sys

from comfyhoused.creator.connections import get_token
from comfyhoused.creator.opening import open_creator
from comfyhoused.resources import open_resources
from comfyhoused.settings import Settings


async def ask(connection_id: str, count: int) -> list[str]:
    """Return what each of `count` got."""
    async with (
        open_resources(Settings.load(), needs_store=False) as resources,
        open_creator(resources) as house,
    ):
        return await asyncio.gather(*(get_token(house, connection_id) for _ in range(count)))


if __name__ == "__main__":
    print(*asyncio.run(ask(sys.argv[1], int(sys.argv[2]))), sep="\n")
