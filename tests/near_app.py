"""The web application in the test's own process: for pages that need nothing but the stores."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from comfyhoused.app import create_app
from comfyhoused.settings import Settings


@asynccontextmanager
async def open_near_app(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client that asks for pages; the application is open meanwhile."""
    app = create_app(settings)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=transport, base_url="http://house.test", headers={"Accept": "text/html"}
        ) as client,
    ):
        yield client
