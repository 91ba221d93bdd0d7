"""A browser that is signed in, and an account that has something of everything to show."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from playwright.async_api import Page

from comfyhoused.core.webhooks.endpoints import create_endpoint
from tests.browser.conftest import OpenPage
from tests.house import House
from tests.sign_in import make_session_cookie

#: A workflow with an input of each kind that draws a field of its own.
WORKFLOW = "plain-colour"
_DEFINITION = {
    "title": "A plain colour",
    "workflow": {
        "1": {
            "class_type": "EmptyImage",
            "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 1857347},
        },
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "p"}},
    },
    "inputs": {
        "color": {"type": "integer", "node_id": "1", "field": "color", "title": "Colour"},
        "side": {
            "type": "integer",
            "targets": [{"node_id": "1", "field": one} for one in ("width", "height")],
            "minimum": 64,
            "maximum": 2048,
            "step": 8,
        },
    },
}

OpenConsole = Callable[..., Awaitable[Page]]


def make_console_opener(open_page: OpenPage, house: House) -> OpenConsole:
    """Return what opens a page of the console as an account."""

    async def open_console(
        path: str = "/console", *, account: str = "tester", plan: str = "business", **more: Any
    ) -> Page:
        name, value = await make_session_cookie(house.store, account, plan=plan)
        page = await open_page("/errors/node_failed", **more)
        await page.context.add_cookies([{"name": name, "value": value, "url": house.url}])
        await page.goto(house.url + path)
        return page

    return open_console


class Stock:
    """What an account has: ids for the addresses of its pages."""

    def __init__(self, succeeded: str, failed: str, endpoint: str) -> None:
        self.succeeded = succeeded
        self.failed = failed
        self.endpoint = endpoint


async def stock_account(house: House, account: str) -> Stock:
    """Give an account a delivered and a failed job, an endpoint and a workflow; waits for them."""
    async with await house.make_client(account=account) as client:
        await _put(client, f"/api/v1/workflows/{WORKFLOW}", _DEFINITION)
        succeeded = await _make_picture(client, "two red boats", num_images=2)
        failed = await _make_picture(client, "sandbox:fail")
    url = "https://hooks.example/comfyhouse"
    endpoint = await create_endpoint(
        house.store, f"account:{account}", url, description="Shop", events=(), most=10
    )
    return Stock(succeeded, failed, endpoint.id)


async def _put(client: httpx.AsyncClient, path: str, body: Any) -> None:
    answer = await client.put(path, json=body)
    assert answer.status_code == 201, answer.text


async def _make_picture(client: httpx.AsyncClient, prompt: str, **more: Any) -> str:
    body = {"prompt": prompt, "width": 64, "height": 64, "steps": 1, **more}
    answer = await client.post("/api/v1/generate", json=body)
    return str(answer.headers["Comfyhouse-Job"])
