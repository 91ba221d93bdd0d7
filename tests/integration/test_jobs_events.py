"""The progress stream: in order, resumable, and never missing a state."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio

from comfyhoused.kit.ids import make_id
from tests.house import House
from tests.job_cases import make_generate
from tests.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.asyncio(loop_scope="session")

JOBS = "/api/v1/jobs"
LAST = {"job.succeeded", "job.failed", "job.canceled", "job.expired"}


@pytest_asyncio.fixture(loop_scope="session")
async def customer(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with await house.make_client(account=make_id("acct", 8)) as client:
        yield client


async def submit(client: httpx.AsyncClient, prompt: str = "a red boat", **more: Any) -> str:
    answer = await client.post(JOBS, json=make_generate(prompt, **more))
    assert answer.status_code == 202, answer.text
    return str(answer.json()["job_id"])


async def parse(lines: AsyncIterator[str]) -> AsyncIterator[dict[str, str]]:
    """Yield one dict of fields for each message."""
    fields: dict[str, str] = {}
    async for line in lines:
        if line == "":
            if fields:
                yield fields
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value


@asynccontextmanager
async def follow(
    client: httpx.AsyncClient, job_id: str, last_id: str | None = None
) -> AsyncIterator[AsyncIterator[dict[str, str]]]:
    headers = {"Last-Event-ID": last_id} if last_id else {}
    async with client.stream("GET", f"{JOBS}/{job_id}/events", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        yield parse(answer.aiter_lines())


async def read_all(
    client: httpx.AsyncClient, job_id: str, last_id: str | None = None
) -> list[dict[str, str]]:
    async with asyncio.timeout(PATIENCE_SECONDS), follow(client, job_id, last_id) as events:
        return [event async for event in events]


def list_states(events: list[dict[str, str]]) -> list[str]:
    return [one["event"] for one in events if "id" in one]


async def test_a_stream_tells_states_progress_and_previews_and_ends(
    house: House, customer: httpx.AsyncClient
) -> None:
    house.engine.hold()
    job_id = await submit(customer, "sandbox:slow=1", steps=8)
    events = []
    async with asyncio.timeout(PATIENCE_SECONDS), follow(customer, job_id) as stream:
        async for event in stream:
            events.append(event)
            if event["event"] == "job.running":
                house.engine.let_go()

    assert list_states(events) == ["job.queued", "job.running", "job.succeeded"]
    kinds = {one["event"] for one in events}
    assert {"job.progress", "job.preview"} <= kinds
    values = [json.loads(one["data"]) for one in events if one["event"] == "job.progress"]
    assert [one["value"] for one in values] == sorted(one["value"] for one in values)
    assert all(0 <= one["value"] <= one["max"] == 8 for one in values)
    previews = [json.loads(one["data"]) for one in events if one["event"] == "job.preview"]
    assert all(one["image"].startswith("data:image/") for one in previews)
    assert all(json.loads(one["data"])["job_id"] == job_id for one in events)


async def test_whoever_comes_late_is_told_everything(customer: httpx.AsyncClient) -> None:
    job_id = await submit(customer)
    await read_all(customer, job_id)

    again = await read_all(customer, job_id)

    assert list_states(again) == ["job.queued", "job.running", "job.succeeded"]


async def test_a_stream_can_be_resumed_after_any_event(customer: httpx.AsyncClient) -> None:
    job_id = await submit(customer)
    ids = [one["id"] for one in await read_all(customer, job_id) if "id" in one]

    for position, last_id in enumerate(ids):
        rest = await read_all(customer, job_id, last_id)
        assert [one["id"] for one in rest if "id" in one] == ids[position + 1 :]


async def test_cut_off_and_resumed_nothing_is_missed_and_nothing_comes_twice(
    customer: httpx.AsyncClient,
) -> None:
    """A follower that is cut off after every single message."""
    job_id = await submit(customer, "sandbox:slow=0.5", steps=4)
    seen: list[str] = []
    ids: list[str] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not seen or seen[-1] not in LAST:
            async with follow(customer, job_id, ids[-1] if ids else None) as events:
                async for event in events:
                    if "id" in event:
                        seen.append(event["event"])
                        ids.append(event["id"])
                        break

    assert seen == ["job.queued", "job.running", "job.succeeded"]


async def test_resuming_after_the_last_event_ends_at_once(customer: httpx.AsyncClient) -> None:
    """A browser connects again by itself after the end: it must not hang for ever."""
    job_id = await submit(customer)
    last_id = [one["id"] for one in await read_all(customer, job_id) if "id" in one][-1]

    assert await read_all(customer, job_id, last_id) == []
    assert await read_all(customer, job_id, "9999999999999-0") == []


async def test_a_stream_whose_events_are_gone_ends(
    house: House, customer: httpx.AsyncClient
) -> None:
    job_id = await submit(customer)
    await read_all(customer, job_id)
    await house.store.delete(f"ch:1:job:{job_id}:events")

    assert list_states(await read_all(customer, job_id)) == []


async def test_a_malformed_last_event_id_is_refused(customer: httpx.AsyncClient) -> None:
    job_id = await submit(customer)
    answer = await customer.get(f"{JOBS}/{job_id}/events", headers={"Last-Event-ID": "nonsense"})

    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_a_canceled_job_ends_its_streams(customer: httpx.AsyncClient) -> None:
    job_id = await submit(customer, "sandbox:hang")
    readers = [asyncio.create_task(read_all(customer, job_id)) for _ in range(5)]
    async with asyncio.timeout(PATIENCE_SECONDS), follow(customer, job_id) as events:
        async for event in events:
            if event["event"] == "job.running":
                break
    await customer.post(f"{JOBS}/{job_id}/cancel")

    for events in await asyncio.gather(*readers):
        assert list_states(events) == ["job.queued", "job.running", "job.canceled"]


async def test_many_followers_of_many_jobs(customer: httpx.AsyncClient) -> None:
    job_ids = [await submit(customer, f"boat {number}") for number in range(12)]

    streams = await asyncio.gather(*(read_all(customer, one) for one in job_ids for _ in range(3)))

    assert [list_states(one)[-1] for one in streams] == ["job.succeeded"] * 36
    assert all(list_states(one).count("job.running") == 1 for one in streams)
