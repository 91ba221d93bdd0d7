"""Batches that are meant to cost us more than they cost their sender."""

import json
from contextlib import AsyncExitStack

import httpx
import pytest

from comfyhoused.api.accounts import create_account
from comfyhoused.api.batches import MOST_FOLLOWERS
from comfyhoused.api.keys import create_key
from comfyhoused.core.jobs.books import make_books_key
from comfyhoused.kit.periods import get_period
from tests.house import House
from tests.job_cases import make_blank_graph
from tests.waiting import wait_until

pytestmark = pytest.mark.asyncio(loop_scope="session")

BATCHES = "/api/v1/batches"
#: Refused where a job is looked at, so that the code tells which came first.
UNKNOWN = {"kind": "upscale", "image": "file_0000000000000000000000"}


async def open_account(house: House, mode: str) -> tuple[str, httpx.AsyncClient]:
    account = await create_account(house.store, plan="free")
    _, secret = await create_key(
        house.store, account=account.id, mode="test" if mode == "test" else "live"
    )
    headers = {"Authorization": f"Bearer {secret}"}
    return account.id, httpx.AsyncClient(base_url=house.url, headers=headers, timeout=60)


@pytest.mark.parametrize("mode", ["live", "test"])
async def test_more_jobs_than_the_line_holds_are_refused_unseen(house: House, mode: str) -> None:
    _, client = await open_account(house, mode)
    async with client:
        for path in (BATCHES, "/api/v1/estimate"):
            refused = await client.post(path, json={"jobs": [UNKNOWN] * 51})
            assert (refused.status_code, refused.json()["code"]) == (429, "too_many_jobs")
        seen = await client.post(BATCHES, json={"jobs": [UNKNOWN] * 50})
        assert (seen.status_code, seen.json()["code"]) == (422, "batch_refused")


async def test_more_jobs_than_units_are_left_are_refused_unseen(house: House) -> None:
    account, client = await open_account(house, "live")
    books = make_books_key("usage", f"account:{account}", get_period())
    await house.store.hset(books, mapping={"settled": "40", "reserved": "8"})
    async with client:
        refused = await client.post(BATCHES, json={"jobs": [UNKNOWN] * 3})
        assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
        assert "2 are left" in refused.json()["detail"]
        seen = await client.post(BATCHES, json={"jobs": [UNKNOWN] * 2})
        assert seen.json()["code"] == "batch_refused"


async def test_a_template_is_not_written_out_into_gigabytes(house: House) -> None:
    graph = make_blank_graph()
    graph["1"]["inputs"]["comment"] = "x" * 90_000
    template = {"workflow": graph}
    async with await house.make_client() as client:
        for path in (BATCHES, "/api/v1/estimate"):
            body = {"template": template, "inputs": [{}] * 1000}
            assert len(json.dumps(body)) < 100_000
            refused = await client.post(path, json=body)
            assert (refused.status_code, refused.json()["code"]) == (413, "batch_too_large")


async def test_a_batch_has_so_many_followers_and_no_more(house: House) -> None:
    async with await house.make_client() as client, AsyncExitStack() as streams:
        house.engine.hold("SaveImage")
        try:
            batch = (
                await client.post(BATCHES, json={"jobs": [{"workflow": make_blank_graph()}]})
            ).json()
            path = f"{BATCHES}/{batch['batch_id']}/events"
            codes, lines = [], []
            for _ in range(MOST_FOLLOWERS + 1):
                answer = await streams.enter_async_context(client.stream("GET", path))
                codes.append(answer.status_code)
                if answer.status_code == 200:
                    lines.append(answer.aiter_lines())  # dropped, it would close the stream
                    assert await anext(lines[-1])
            assert codes == [200] * MOST_FOLLOWERS + [429]
            await streams.aclose()

            async def is_free() -> bool:
                async with client.stream("GET", path) as answer:
                    return answer.status_code == 200

            await wait_until(is_free)
        finally:
            house.engine.let_go()
