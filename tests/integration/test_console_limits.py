"""The console acts for people within the limits of their plan, as the API does for keys."""

import re

import httpx
import pytest

from comfyhoused.api.accounts import stop_account
from comfyhoused.api.house import Principal
from comfyhoused.api.plans import PlanBook
from comfyhoused.api.rates import choose_rate, take_turn
from comfyhoused.core.files.records import get_file
from comfyhoused.kit.ids import make_id
from tests.house import PLANS_FILE, House
from tests.pictures import encode, make_image
from tests.sign_in import make_session_cookie
from tests.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def open_console(house: House, account: str, plan: str) -> httpx.AsyncClient:
    name, value = await make_session_cookie(house.store, account, plan=plan)
    return httpx.AsyncClient(
        base_url=house.url,
        headers={"Accept": "application/json"},
        cookies={name: value},
        timeout=PATIENCE_SECONDS,
    )


async def find_token(client: httpx.AsyncClient) -> str:
    page = await client.get("/console/keys", headers={"Accept": "text/html"})
    found = re.search(r'name="token" value="([0-9a-f]{64})"', page.text)
    assert found is not None
    return found.group(1)


async def upload(client: httpx.AsyncClient, token: str) -> httpx.Response:
    picture = {"file": ("mine.png", encode(make_image(8, 8)), "image/png")}
    where = {"token": token, "mode": "test"}
    return await client.post("/console/files", params=where, files=picture)


async def test_an_upload_stays_as_long_as_the_plan_says(house: House) -> None:
    account = make_id("acct", 10)
    async with await open_console(house, account, "free") as client:
        token = await find_token(client)
        answer = await upload(client, token)
        assert answer.status_code == 201, answer.text
        file = await get_file(house.store, f"account:{account}:test", answer.json()["file_id"])
        assert file.expires_at is not None
        assert (file.expires_at - file.created_at).days == 7
        await stop_account(house.store, account, "You were stopped.")
        refused = await upload(client, token)
        assert (refused.status_code, refused.json()["code"]) == (403, "account_stopped")


async def test_forms_are_counted(house: House) -> None:
    account = make_id("acct", 10)
    async with await open_console(house, account, "slow") as client:
        token = await find_token(client)
        assert (await upload(client, token)).status_code == 201
        owner = Principal(account, "live", "slow", ()).owner
        rate = choose_rate(PlanBook.load(PLANS_FILE).get("slow"), "GET")
        for _ in range(rate.burst):
            await take_turn(house.store, f"{owner}:console", rate)
        refused = await upload(client, token)
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert int(refused.headers["Retry-After"]) > 0
        looked = await client.get("/console/keys", headers={"Accept": "text/html"})
        assert looked.status_code == 200
