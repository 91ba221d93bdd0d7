"""Webhooks over HTTP: endpoints, real jobs that tell, the log, replay, and a worker that dies."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from standardwebhooks import WebhookVerificationError

from comfyhoused.api.accounts import create_account
from comfyhoused.api.keys import create_key
from comfyhoused.core.mail.send import list_unsent_mails
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.ids import make_id
from tests.house import House
from tests.job_cases import make_generate
from tests.receiver import Received, Receiver, answer
from tests.waiting import wait_until

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOOKS = "/api/v1/webhooks"
ENDPOINTS = f"{HOOKS}/endpoints"
DELIVERIES = f"{HOOKS}/deliveries"
JOBS = "/api/v1/jobs"
QUICK = {
    "CH_OUTBOUND_ALLOWED": "127.0.0.0/8",
    "CH_WEBHOOK_PACE": "0.0001",
    "CH_WEBHOOK_TIMEOUT_SECONDS": "2",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("the house that tells")
    async with House(folder, workers=0, environment=QUICK) as one:
        one.add_worker(CH_PUBLIC_URL=one.url)  # it writes the links in webhooks
        await one.wait_ready()
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def customer(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with await house.make_client(account=make_id("acct", 8)) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as one:
        yield one


async def create(client: httpx.AsyncClient, url: str, *events: str) -> dict[str, Any]:
    made = await client.post(ENDPOINTS, json={"url": url, "events": list(events)})
    assert made.status_code == 201, made.text
    endpoint: dict[str, Any] = made.json()
    return endpoint


async def submit(client: httpx.AsyncClient, **more: Any) -> str:
    made = await client.post(JOBS, json=make_generate(**more))
    assert made.status_code == 202, made.text
    return str(made.json()["job_id"])


async def wait_received(receiver: Receiver, count: int) -> list[Received]:
    await wait_until(lambda: len(receiver.received) >= count)
    return receiver.received


async def wait_delivery(client: httpx.AsyncClient, status: str) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []

    async def is_there() -> bool:
        nonlocal rows
        rows = (await client.get(DELIVERIES, params={"status": status})).json()["deliveries"]
        return bool(rows)

    await wait_until(is_there)
    detail: dict[str, Any] = (await client.get(f"{DELIVERIES}/{rows[0]['delivery_id']}")).json()
    return detail


async def test_an_endpoint_is_made_changed_and_deleted(customer: httpx.AsyncClient) -> None:
    made = await create(customer, "https://Example.com/hook", "job.failed")
    assert made["url"] == "https://example.com/hook"
    secret = made.pop("secret")
    path = f"{ENDPOINTS}/{made['endpoint_id']}"
    assert (await customer.get(path)).json() == made
    assert (await customer.get(ENDPOINTS)).json() == {"endpoints": [made]}
    shown = (await customer.get(f"{path}/secret")).json()
    assert shown == {"secrets": [{"secret": secret, "expires_at": None}]}
    change = {"url": "https://example.com:8443/", "events": [], "enabled": False}
    changed = (await customer.patch(path, json=change)).json()
    assert changed == {**made, **change}
    rotated = (await customer.post(f"{path}/rotate-secret")).json()["secrets"]
    assert [one["secret"] == secret for one in rotated] == [False, True]
    assert [one["expires_at"] is None for one in rotated] == [True, False]
    alone = await customer.post(f"{path}/rotate-secret", json={"overlap_hours": 0})
    assert len(alone.json()["secrets"]) == 1
    assert (await customer.delete(path)).status_code == 204
    assert (await customer.get(path)).json()["code"] == "webhook_endpoint_not_found"
    assert (await customer.get(ENDPOINTS)).json() == {"endpoints": []}


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({"url": "http://example.com/"}, 400, "url_refused", "/url"),
        ({"url": "https://10.0.0.1/"}, 400, "url_refused", "/url"),
        ({"url": "https://localhost/"}, 400, "url_refused", "/url"),
        ({"url": "https://example.com:22/"}, 400, "url_refused", "/url"),
        ({"url": ""}, 422, "unprocessable", "/url"),
        ({"url": "https://example.com/", "events": ["job.done"]}, 422, "unprocessable", None),
        ({"url": "https://example.com/", "secret": "mine"}, 422, "unprocessable", "/secret"),
        ({}, 422, "unprocessable", "/url"),
    ],
)
async def test_an_endpoint_that_is_refused(
    customer: httpx.AsyncClient, body: dict[str, Any], status: int, code: str, pointer: str | None
) -> None:
    refused = await customer.post(ENDPOINTS, json=body)
    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    if pointer is not None:
        assert refused.json()["errors"][0]["pointer"] == pointer


async def test_ten_endpoints_are_enough(customer: httpx.AsyncClient) -> None:
    for number in range(10):
        await create(customer, f"https://example.com/{number}")
    refused = await customer.post(ENDPOINTS, json={"url": "https://example.com/"})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_webhook_endpoints")


async def test_a_plan_without_webhooks(house: House) -> None:
    account = await create_account(house.store, plan="free")
    _, secret = await create_key(house.store, account=account.id, mode="live")
    headers = {"Authorization": f"Bearer {secret}"}
    async with httpx.AsyncClient(base_url=house.url, headers=headers) as client:
        endpoint = await client.post(ENDPOINTS, json={"url": "https://example.com/"})
        job = await client.post(JOBS, json=make_generate(webhook_url="https://example.com/"))
    for refused in (endpoint, job):
        assert (refused.status_code, refused.json()["code"]) == (403, "plan_lacks_feature")
        assert "does not include webhooks; the plan " in refused.json()["detail"]


async def test_strangers_find_nothing(
    house: House, customer: httpx.AsyncClient, receiver: Receiver
) -> None:
    made = await create(customer, receiver.url())
    own = f"{ENDPOINTS}/{made['endpoint_id']}"
    await customer.post(f"{own}/test")
    delivery = await wait_delivery(customer, "delivered")
    log = f"{DELIVERIES}/{delivery['delivery_id']}"
    replay = {"since": get_now().isoformat()}
    async with await house.make_client(account=make_id("acct", 8)) as stranger:
        answers = [
            await stranger.get(own),
            await stranger.patch(own, json={"enabled": False}),
            await stranger.delete(own),
            await stranger.get(f"{own}/secret"),
            await stranger.post(f"{own}/rotate-secret"),
            await stranger.post(f"{own}/test"),
            await stranger.get(f"{own}/deliveries"),
            await stranger.post(f"{own}/replay", json=replay),
            await stranger.get(log),
            await stranger.post(f"{log}/replay"),
            await stranger.get(f"{ENDPOINTS}/{made['endpoint_id']}:deliveries"),
            await stranger.get(f"{DELIVERIES}/{delivery['delivery_id']}:attempts"),
        ]
        assert {one.status_code for one in answers} == {404}
        assert (await stranger.get(DELIVERIES)).json()["deliveries"] == []
    assert (await customer.get(own)).json()["enabled"]
    assert len(receiver.received) == 1


async def test_a_job_tells_the_endpoint_and_its_own_address(
    customer: httpx.AsyncClient, receiver: Receiver
) -> None:
    made = await create(customer, receiver.url("/mine"))
    job_id = await submit(customer, seed=3, webhook_url=receiver.url("/once"))
    first, second = await wait_received(receiver, 2)
    by_path = {one.path: one for one in (first, second)}
    mine, once = by_path["/mine"], by_path["/once"]
    own = (await customer.get(f"{HOOKS}/secret")).json()["secrets"][0]["secret"]
    assert mine.verify(made["secret"])["type"] == once.verify(own)["type"] == "job.succeeded"
    with pytest.raises(WebhookVerificationError):
        mine.verify(own)
    assert mine.id == once.id
    told = mine.json["data"]
    shown = (await customer.get(f"{JOBS}/{job_id}")).json()
    assert told["job_id"] == job_id
    assert told["images"][0].pop("url")
    assert shown["images"][0].pop("url")
    picture = await customer.get(told["image_url"])
    assert picture.headers["content-type"] == "image/png"
    for changing in ("image_url", "outputs"):
        told.pop(changing)
        shown.pop(changing)
    assert told == shown

    delivery = await wait_delivery(customer, "delivered")
    assert delivery["event_id"] == mine.id
    rows = (await customer.get(DELIVERIES)).json()["deliveries"]
    assert sorted(one["url"] or one["endpoint_id"] for one in rows) == sorted(
        [receiver.url("/once"), made["endpoint_id"]]
    )
    of_endpoint = await customer.get(f"{ENDPOINTS}/{made['endpoint_id']}/deliveries")
    (row,) = of_endpoint.json()["deliveries"]
    detail = (await customer.get(f"{DELIVERIES}/{row['delivery_id']}")).json()
    assert detail["request_body"].encode() == mine.body
    assert [(one["status"], one["answer"]) for one in detail["log"]] == [(200, "ok")]


async def test_an_address_of_its_own_is_checked_when_the_job_is_sent(
    customer: httpx.AsyncClient,
) -> None:
    refused = await customer.post(JOBS, json=make_generate(webhook_url="https://169.254.169.254/"))
    assert (refused.status_code, refused.json()["code"]) == (400, "url_refused")
    assert refused.json()["errors"][0]["pointer"] == "/webhook_url"
    assert (await customer.get(JOBS)).json()["jobs"] == []


async def test_failures_and_cancellations_are_told(
    house: House, customer: httpx.AsyncClient, receiver: Receiver
) -> None:
    await create(customer, receiver.url("/bad"), "job.failed", "job.canceled", "job.expired")
    await submit(customer, prompt="sandbox:fail")
    await wait_received(receiver, 1)
    house.engine.hold()
    try:
        job_id = await submit(customer)
        await customer.post(f"{JOBS}/{job_id}/cancel")
        await wait_received(receiver, 2)
    finally:
        house.engine.let_go()
    failed, canceled = receiver.received
    assert failed.json["type"] == "job.failed"
    assert failed.json["data"]["error"]["code"] == "node_failed"
    assert (canceled.json["type"], canceled.json["data"]["job_id"]) == ("job.canceled", job_id)


async def test_a_test_event(customer: httpx.AsyncClient, receiver: Receiver) -> None:
    made = await create(customer, receiver.url(), "job.failed")
    path = f"{ENDPOINTS}/{made['endpoint_id']}"
    receiver.behaviours["/hook"] = answer(500, b"broken")
    sent = await customer.post(f"{path}/test")
    assert sent.status_code == 202
    assert sent.json()["status"] == "pending"
    delivery = await wait_delivery(customer, "failed")
    assert delivery["delivery_id"] == sent.json()["delivery_id"]
    assert [(one["status"], one["answer"]) for one in delivery["log"]] == [(500, "broken")]
    (request,) = receiver.received
    assert request.verify(made["secret"])["type"] == "webhook.test"
    await customer.patch(path, json={"enabled": False})
    refused = await customer.post(f"{path}/test")
    assert (refused.status_code, refused.json()["code"]) == (409, "webhook_endpoint_disabled")


async def test_sending_again(customer: httpx.AsyncClient, receiver: Receiver) -> None:
    made = await create(customer, receiver.url())
    path = f"{ENDPOINTS}/{made['endpoint_id']}"
    await submit(customer)
    await wait_received(receiver, 1)
    delivery = await wait_delivery(customer, "delivered")
    again = await customer.post(f"{DELIVERIES}/{delivery['delivery_id']}/replay")
    assert again.status_code == 202
    await wait_received(receiver, 2)
    await customer.patch(path, json={"enabled": False})
    missed = await submit(customer, seed=5)

    async def is_over() -> bool:
        return bool((await customer.get(f"{JOBS}/{missed}")).json()["status"] == "succeeded")

    await wait_until(is_over)
    await customer.patch(path, json={"enabled": True})
    since = (get_now() - timedelta(hours=1)).isoformat()

    async def is_sent() -> bool:  # the event follows the end of the job
        answer = await customer.post(f"{path}/replay", json={"since": since})
        assert answer.status_code == 202
        assert answer.json()["complete"]
        return bool(answer.json()["sent"] == 1)

    await wait_until(is_sent)
    await wait_received(receiver, 3)
    assert receiver.received[0].id == receiver.received[1].id
    assert receiver.received[2].json["data"]["job_id"] == missed


async def test_an_erased_job_is_erased_from_the_log(
    customer: httpx.AsyncClient, receiver: Receiver
) -> None:
    await create(customer, receiver.url())
    job_id = await submit(customer, prompt="a secret boat", webhook_url=receiver.url("/token"))
    await wait_received(receiver, 2)
    delivery = await wait_delivery(customer, "delivered")
    assert (await customer.delete(f"{JOBS}/{job_id}")).status_code == 204
    log = await customer.get(f"{DELIVERIES}/{delivery['delivery_id']}")
    assert (log.json()["request_body"], log.json()["log"]) == (None, [])
    everything = (await customer.get(DELIVERIES)).text
    assert "token" not in everything
    again = await customer.post(f"{DELIVERIES}/{delivery['delivery_id']}/replay")
    assert (again.status_code, again.json()["code"]) == (409, "webhook_delivery_erased")


async def test_test_mode_has_endpoints_of_its_own(house: House, receiver: Receiver) -> None:
    account = make_id("acct", 8)
    async with (
        await house.make_client(account=account) as live,
        await house.make_client("test", account) as test,
    ):
        await create(live, receiver.url("/live"))
        await create(test, receiver.url("/test"))
        await submit(test)
        await wait_received(receiver, 1)
        await submit(live)
        await wait_received(receiver, 2)
    assert [one.path for one in receiver.received] == ["/test", "/live"]
    assert receiver.received[0].json["data"]["engine"] == "sandbox"


async def test_a_batch_tells_when_it_is_over(
    customer: httpx.AsyncClient, receiver: Receiver
) -> None:
    made = await create(customer, receiver.url("/mine"), "batch.completed")
    jobs = [make_generate(), make_generate(prompt="sandbox:fail")]
    body = {"jobs": jobs, "webhook_url": receiver.url("/once"), "metadata": {"order": "7"}}
    batch = await customer.post("/api/v1/batches", json=body)
    assert batch.status_code == 202, batch.text
    path = f"/api/v1/batches/{batch.json()['batch_id']}"
    await wait_received(receiver, 2)
    assert {one.path for one in receiver.received} == {"/mine", "/once"}
    assert len({one.id for one in receiver.received}) == 1
    mine = next(one for one in receiver.received if one.path == "/mine")
    told = mine.verify(made["secret"])
    assert told["type"] == "batch.completed"
    assert told["data"] == (await customer.get(path)).json()
    assert (told["data"]["counts"]["succeeded"], told["data"]["counts"]["failed"]) == (1, 1)
    assert (await customer.post(f"{path}/retry")).json()["retried"] == 1
    await wait_received(receiver, 4)
    assert len({one.id for one in receiver.received}) == 2
    assert {one.json["data"]["retries"] for one in receiver.received[2:]} == {1}
    assert (await customer.delete(path)).status_code == 204
    for row in (await customer.get(DELIVERIES)).json()["deliveries"]:
        detail = (await customer.get(f"{DELIVERIES}/{row['delivery_id']}")).json()
        assert (detail["request_body"], detail["log"], detail["url"]) == (None, [], None)


async def test_a_disabled_endpoint_is_told_of_by_mail(house: House, receiver: Receiver) -> None:
    account = await create_account(house.store, plan="pro", email="owner@example.org")
    _, secret = await create_key(house.store, account=account.id, mode="live")
    headers = {"Authorization": f"Bearer {secret}"}
    receiver.behaviours["/hook"] = answer(410)
    async with httpx.AsyncClient(base_url=house.url, headers=headers) as client:
        made = await create(client, receiver.url())
        await client.post(f"{ENDPOINTS}/{made['endpoint_id']}/test")
        path = f"{ENDPOINTS}/{made['endpoint_id']}"

        async def is_disabled() -> bool:
            return (await client.get(path)).json()["disabled_reason"] == "gone"

        await wait_until(is_disabled)

    async def is_told() -> bool:
        mails = await list_unsent_mails(house.store)
        return any(made["endpoint_id"] in one.text for one in mails if one.to == account.email)

    await wait_until(is_told)


async def test_a_killed_worker_in_the_midst_of_retries(
    house: House, customer: httpx.AsyncClient, receiver: Receiver
) -> None:
    made = await create(customer, receiver.url())
    receiver.behaviours["/hook"] = answer(503)
    await submit(customer)
    await wait_received(receiver, 3)
    (worker,) = house.workers
    worker.kill()
    tries = len(receiver.received)
    receiver.behaviours["/hook"] = answer(200)
    worker.start()
    delivery = await wait_delivery(customer, "delivered")
    assert len(receiver.received) > tries
    assert {one.id for one in receiver.received} == {delivery["event_id"]}
    assert all(one.verify(made["secret"]) for one in receiver.received)
    statuses = [one["status"] for one in delivery["log"]]
    assert statuses[-1] == 200
    assert set(statuses[:-1]) == {503}
