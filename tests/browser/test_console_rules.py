"""What the console refuses: strangers, forms of other sites, and whatever is another account's."""

import re

import httpx
import pytest
import pytest_asyncio

from comfyhoused.core.webhooks.deliveries import make_delivery_id
from comfyhoused.core.webhooks.endpoints import get_endpoint
from tests.browser.console_stage import WORKFLOW, Stock, stock_account
from tests.browser.test_work import make_photo
from tests.house import House
from tests.sign_in import sign_in

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGES = (
    "/console",
    "/console/jobs",
    "/console/keys",
    "/console/webhooks",
    "/console/plan",
    "/console/plan/ledger",
    "/console/workflows",
    "/console/playground",
)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stock(house: House) -> Stock:
    return await stock_account(house, "victim")


def list_forms(stock: Stock) -> list[str]:
    job, hook = f"/console/jobs/{stock.succeeded}", f"/console/webhooks/{stock.endpoint}"
    return [
        *(f"{job}/{verb}" for verb in ("cancel", "again", "erase")),
        "/console/keys",
        "/console/keys/key_unknown/rotate",
        "/console/keys/key_unknown/revoke",
        "/console/webhooks",
        hook,
        *(f"{hook}/{verb}" for verb in ("enable", "disable", "delete", "test", "replay")),
        f"{hook}/rotate-secret",
        "/console/webhooks/deliveries/whd_unknown/replay",
        "/console/plan/spend-cap",
        f"/console/workflows/{WORKFLOW}/delete",
        "/console/playground/text-to-image",
        "/console/files",
        "/console/sign-out",
    ]


async def find_token(client: httpx.AsyncClient) -> str:
    page = await client.get("/console/keys")
    found = re.search(r'name="token" value="([0-9a-f]{64})"', page.text)
    assert found is not None
    return found.group(1)


async def test_who_is_not_signed_in_is_led_to_the_sign_in(house: House, stock: Stock) -> None:
    html = {"Accept": "text/html"}
    async with httpx.AsyncClient(base_url=house.url, headers=html) as client:
        for path in (*PAGES, f"/console/jobs/{stock.succeeded}"):
            answer = await client.get(path)
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/console/sign-in"), path
        for path in list_forms(stock):
            answer = await client.post(path)
            assert answer.status_code in (303, 401, 403), path
        events = await client.get(
            f"/console/jobs/{stock.succeeded}/events", headers={"Accept": "text/event-stream"}
        )
        assert events.status_code == 401


async def test_no_form_is_taken_without_the_token_of_this_browser(
    house: House, stock: Stock
) -> None:
    async with await sign_in(house, "victim") as client, await sign_in(house, "else") as other:
        foreign = await find_token(other)
        await find_token(client)
        fields = {"name": "x", "scopes": "jobs:read", "url": "https://hooks.example/x"}
        for path in list_forms(stock):
            for token in ("", foreign):
                answer = await client.post(
                    path, params={"token": token}, data={**fields, "token": token}
                )
                assert answer.status_code == 403, (path, answer.status_code)
                assert "form_refused" in answer.text, path
        shown = await client.get(f"/console/jobs/{stock.succeeded}")
        assert shown.status_code == 200
    endpoint = await get_endpoint(house.store, "account:victim", stock.endpoint)
    assert endpoint.is_enabled


async def test_nothing_of_another_account_is_shown_or_changed(house: House, stock: Stock) -> None:
    async with await house.make_client(account="victim") as owner:
        job = (await owner.get(f"/api/v1/jobs/{stock.succeeded}")).json()
    file_id = job["outputs"][0]["file_id"]
    delivery = make_delivery_id(f"msg_{'x' * 26}", stock.endpoint)
    job_path, hook = f"/console/jobs/{stock.succeeded}", f"/console/webhooks/{stock.endpoint}"
    async with await sign_in(house, "snoop") as client:
        token = await find_token(client)
        for path in (
            job_path,
            f"{job_path}/print",
            f"{job_path}/events",
            f"/console/files/{file_id}",
            hook,
            f"/console/webhooks/deliveries/{delivery}",
            f"/console/playground/workflows/{WORKFLOW}?mode=live",
            "/console/playground/no-such-template",
        ):
            assert (await client.get(path)).status_code == 404, path
        for path in list_forms(stock):
            if stock.succeeded in path or stock.endpoint in path or "unknown" in path:
                data = {"token": token, "url": "https://hooks.example/x"}
                answer = await client.post(path, data=data)
                assert answer.status_code == 404, path
        listed = await client.get("/console/jobs")
        assert stock.succeeded not in listed.text
    async with await sign_in(house, "victim") as client:
        assert (await client.get(job_path)).status_code == 200
        assert (await client.get(hook)).status_code == 200


async def test_a_picture_is_sent_in_with_and_without_script(house: House) -> None:
    picture = {"file": ("mine.jpg", make_photo(64, 48), "image/jpeg")}
    where = {"bench": "image-to-image", "control": "init_image", "mode": "test"}
    async with await sign_in(house, "sender") as client:
        where["token"] = await find_token(client)
        led = await client.post("/console/files", params=where, files=picture)
        assert led.status_code == 303
        page = await client.get(led.headers["location"])
        file_id = led.headers["location"].rpartition("init_image=")[2]
        assert f'value="{file_id}"' in page.text
        told = await client.post(
            "/console/files", params=where, files=picture, headers={"Accept": "application/json"}
        )
        assert told.status_code == 201
        shown = await client.get(told.json()["url"])
        assert shown.headers["content-type"] == "image/jpeg"
        nothing = {"file": ("mine.jpg", b"no picture", "image/jpeg")}
        refused = await client.post("/console/files", params=where, files=nothing)
        assert refused.status_code == 415


async def test_the_ledger_is_exported_as_the_api_exports_it(house: House, stock: Stock) -> None:
    async with await sign_in(house, "victim") as client:
        ours = await client.get("/console/plan/ledger", params={"form": "csv"})
    async with await house.make_client(account="victim") as client:
        theirs = await client.get("/api/v1/usage/ledger", params={"format": "csv"})
    assert ours.status_code == theirs.status_code == 200
    assert ours.text == theirs.text
    assert stock.succeeded in ours.text
    assert "attachment" in ours.headers["content-disposition"]
