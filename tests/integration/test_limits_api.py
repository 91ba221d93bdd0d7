"""Plans, quota, spend cap, rates and usage over HTTP, with two API processes."""

import asyncio
import base64
import csv
import io
import json
from collections import Counter
from typing import Any

import httpx
import pytest
import pytest_asyncio

from comfyhoused.api.key_records import DEFAULT_SCOPES
from comfyhoused.core.jobs.books import make_books_key, read_usage
from comfyhoused.core.jobs.record import find_job
from comfyhoused.kit.ids import make_id, make_job_id
from comfyhoused.kit.periods import get_day, get_period
from tests.customers import Customer, make_customer
from tests.house import House
from tests.job_cases import make_blank_graph, make_generate
from tests.pictures import encode, make_image
from tests.waiting import wait_until

pytestmark = pytest.mark.asyncio(loop_scope="session")

JOBS = "/api/v1/jobs"
ESTIMATE = "/api/v1/estimate"
USAGE = "/api/v1/usage"
CAP = "/api/v1/spend-cap"


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def pair(house: House) -> House:
    """The shared house with a second API process."""
    if len(house.apis) < 2:
        api = house.add_api()
        await asyncio.to_thread(api.wait_ready)
    return house


def make_body(units: int = 1, color: int = 0) -> dict[str, Any]:
    return {"workflow": make_blank_graph(color=color), "max_units": units}


async def post_all(customer: Customer, count: int, **more: Any) -> list[httpx.Response]:
    """Send the same at once, over every API process in turn."""
    clients = customer.clients
    return await asyncio.gather(
        *(clients[n % len(clients)].post(JOBS, **more) for n in range(count))
    )


async def wait_settled(customer: Customer) -> None:
    async def is_settled() -> bool:
        usage = await read_usage(customer.house.store, customer.owner, get_period())
        return usage.reserved == 0

    await wait_until(is_settled)


# Quota and spend cap.


async def test_of_fifty_racers_at_the_last_unit_one_is_accepted(pair: House) -> None:
    async with await make_customer(pair, "small") as customer:
        first = await customer.client.post(JOBS, json=make_generate(num_images=4))
        assert first.json()["cost"] == {"images_used": 0, "quota_remaining": 1}
        answers = await post_all(customer, 50, json=make_body())
        assert Counter(one.status_code for one in answers) == {202: 1, 429: 49}
        refusal = next(one for one in answers if one.status_code == 429).json()
        assert (refusal["code"], refusal["retryable"]) == ("quota_exceeded", False)
        for words in ("none is left of the 5 that Small includes", "UTC", "larger plan"):
            assert words in refusal["detail"]
        await wait_settled(customer)
        usage = await read_usage(pair.store, customer.owner, get_period())
        assert (usage.settled, usage.jobs) == (5, 2)


async def test_a_graph_costs_what_it_took_and_never_more_than_it_said(pair: House) -> None:
    """Three units were put aside; a graph that takes no time costs one."""
    async with await make_customer(pair, "small") as customer:
        answer = await customer.client.post(JOBS, json=make_body(3))
        assert answer.json()["cost"] == {"images_used": 0, "quota_remaining": 2}
        await wait_settled(customer)
        job = (await customer.client.get(f"{JOBS}/{answer.json()['job_id']}")).json()
        assert job["cost"] == {"images_used": 1, "quota_remaining": 4}


async def test_what_failed_or_was_canceled_is_given_back(pair: House) -> None:
    async with await make_customer(pair, "small") as customer:
        body = make_generate("sandbox:fail", num_images=4)
        failed = (await customer.client.post(JOBS, json=body)).json()
        assert failed["cost"]["quota_remaining"] == 1
        await wait_settled(customer)
        hanging = (await customer.client.post(JOBS, json=make_generate("sandbox:hang"))).json()
        await customer.client.post(f"{JOBS}/{hanging['job_id']}/cancel")
        await wait_settled(customer)
        usage = (await customer.client.get(USAGE)).json()
        assert (usage["used"], usage["reserved"], usage["remaining"]) == (0, 0, 5)


async def test_the_spend_cap_holds_to_the_unit_and_can_be_moved(pair: House) -> None:
    scopes = (*DEFAULT_SCOPES, "keys:write")
    async with await make_customer(pair, "metered", scopes=scopes) as customer:
        client = customer.client
        assert (await client.get(CAP)).json() == {
            "spend_cap_usd": None,
            "cost_usd": "0",
            "is_effective": True,
        }
        # Two are included; ten cents buy two more at four cents each.
        answer = await client.put(CAP, json={"spend_cap_usd": "0.10"})
        assert (answer.status_code, answer.json()["spend_cap_usd"]) == (200, "0.1")
        answers = await post_all(customer, 12, json=make_generate())
        assert Counter(one.status_code for one in answers) == {202: 4, 429: 8}
        refusal = next(one for one in answers if one.status_code == 429).json()
        assert refusal["code"] == "spend_cap_reached"
        for words in ("$0.04", "$0.10", "none is left", "PUT /api/v1/spend-cap"):
            assert words in refusal["detail"]

        await wait_settled(customer)
        assert (await client.get(CAP)).json()["cost_usd"] == "0.08"
        await client.put(CAP, json={"spend_cap_usd": None})
        last = await client.post(JOBS, json=make_generate())
        assert (last.status_code, last.json()["cost"]["quota_remaining"]) == (202, None)
        await client.put(CAP, json={"spend_cap_usd": 0})
        assert (await client.post(JOBS, json=make_generate())).status_code == 429


@pytest.mark.parametrize("cap", [-1, "0.005", "much", 10**9, True, [1]])
async def test_a_spend_cap_that_is_none_is_refused(pair: House, cap: Any) -> None:
    scopes = (*DEFAULT_SCOPES, "keys:write")
    async with await make_customer(pair, "metered", scopes=scopes) as customer:
        answer = await customer.client.put(CAP, json={"spend_cap_usd": cap})
        assert answer.status_code == 422, answer.text
        assert (await customer.client.get(CAP)).json()["spend_cap_usd"] is None


async def test_an_ordinary_key_cannot_raise_its_own_cap(pair: House) -> None:
    async with await make_customer(pair, "metered") as customer:
        answer = await customer.client.put(CAP, json={"spend_cap_usd": None})
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


async def test_a_feature_that_the_plan_lacks_names_the_plan_that_has_it(pair: House) -> None:
    async with await make_customer(pair, "narrow") as customer:
        for path in (JOBS, ESTIMATE):
            answer = await customer.client.post(path, json=make_generate(priority=5))
            assert (answer.status_code, answer.json()["code"]) == (403, "plan_lacks_feature")
            assert "`priority`" in answer.json()["detail"]
            assert "Pro" in answer.json()["detail"] or "Small" in answer.json()["detail"]
        assert (await customer.client.get(JOBS)).json()["jobs"] == []


async def test_so_many_jobs_wait_and_no_more(pair: House) -> None:
    async with await make_customer(pair, "narrow") as customer:
        client = customer.client
        running = (await client.post(JOBS, json=make_generate("sandbox:hang"))).json()["job_id"]

        async def is_taken() -> bool:
            return await pair.store.hget(f"ch:1:job:{running}", "assigned") == "1"

        await wait_until(is_taken)
        answers = [await client.post(JOBS, json=make_generate()) for _ in range(3)]
        assert [one.status_code for one in answers] == [202, 202, 429]
        assert answers[2].json()["code"] == "too_many_jobs"
        assert int(answers[2].headers["Retry-After"]) > 0
        # One at a time: the others have not been given to anybody.
        for one in answers[:2]:
            assert (await client.get(f"{JOBS}/{one.json()['job_id']}")).json()["attempt"] == 0
        await client.post(f"{JOBS}/{running}/cancel")
        await wait_settled(customer)
        jobs = (await client.get(JOBS)).json()["jobs"]
        assert Counter(one["status"] for one in jobs) == {"succeeded": 2, "canceled": 1}


# Rates.


async def test_the_rate_holds_to_the_request_over_two_processes(pair: House) -> None:
    """Twenty at once and hardly any more after that: exactly twenty are let through."""
    async with await make_customer(pair, "slow") as customer:
        clients = customer.clients
        path = f"{JOBS}/{make_job_id()}/cancel"
        answers = await asyncio.gather(*(clients[n % 2].post(path) for n in range(60)))
        assert Counter(one.status_code for one in answers) == {404: 20, 429: 40}
        refused = [one for one in answers if one.status_code == 429]
        assert {one.json()["code"] for one in refused} == {"rate_limited"}
        assert all(0 < int(one.headers["Retry-After"]) <= 1000 for one in refused)
        assert {one.headers["RateLimit-Remaining"] for one in refused} == {"0"}
        let = sorted(
            int(one.headers["RateLimit-Remaining"]) for one in answers if one not in refused
        )
        assert let == list(range(20))
        assert {one.headers["RateLimit-Limit"] for one in answers} == {"20"}

        reads = await asyncio.gather(*(clients[n % 2].get(JOBS) for n in range(210)))
        assert Counter(one.status_code for one in reads) == {200: 200, 429: 10}


async def test_every_answer_to_a_key_says_where_it_stands(house: House) -> None:
    async with await make_customer(house, "business") as customer:
        client = customer.client
        answers = [
            await client.get(JOBS),
            await client.get(f"{JOBS}/none"),
            await client.post(JOBS, json={"prompt": 7}),
            await client.post(JOBS, json=make_generate()),
            await client.get(f"{JOBS}?cursor=!"),
            await client.put(CAP, json={"spend_cap_usd": 1}),
        ]
        assert [one.status_code for one in answers] == [200, 404, 422, 202, 400, 403]
        for one in answers:
            for name in ("Limit", "Remaining", "Reset", "Policy"):
                assert f"RateLimit-{name}" in one.headers, one.request.url
    anonymous = await house.client.get(JOBS, headers={"Authorization": "Bearer sk_live_x"})
    assert anonymous.status_code == 401
    assert "RateLimit-Limit" not in anonymous.headers


async def test_test_mode_has_limits_of_its_own_and_is_free(pair: House) -> None:
    async with await make_customer(pair, "small", mode="test") as customer:
        for _ in range(7):
            answer = await customer.client.post(JOBS, json=make_generate(num_images=4))
            assert answer.status_code == 202
            assert answer.json()["cost"] == {"images_used": 0, "quota_remaining": None}
        estimate = (await customer.client.post(ESTIMATE, json=make_generate())).json()
        assert (estimate["units"], estimate["price_usd"], estimate["fits"]) == (0, "0", True)
        usage = (await customer.client.get(USAGE)).json()
        assert (usage["used"], usage["reserved"], usage["jobs"]) == (0, 0, 0)


# Estimates.


async def test_an_estimate_prices_and_keeps_nothing(pair: House) -> None:
    picture = "data:image/png;base64," + base64.b64encode(encode(make_image(64, 64))).decode()
    async with await make_customer(pair, "metered") as customer:
        client = customer.client
        answer = await client.post(ESTIMATE, json=make_generate(num_images=4, init_image=picture))
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert (found["units"], found["included_units"], found["overage_units"]) == (4, 2, 2)
        assert (found["price_usd"], found["quota_remaining"], found["fits"]) == ("0.08", None, True)
        assert found["jobs_before"] >= 0
        large = make_generate(width=2048, height=2048, steps=100)
        assert (await client.post(ESTIMATE, json=large)).json()["units"] == 8
        assert (await client.post(ESTIMATE, json=make_body(7))).json()["units"] == 7

        assert (await client.get(JOBS)).json()["jobs"] == []
        assert (await client.get("/api/v1/files")).json()["files"] == []
        assert await pair.store.hgetall(make_books_key("usage", customer.owner, get_period())) == {}


async def test_a_batch_is_estimated_as_a_whole(pair: House) -> None:
    async with await make_customer(pair, "metered") as customer:
        inputs = [{"prompt": "a boat"}, {"num_images": 4}]
        batch = {"template": make_generate(), "inputs": inputs}
        found = (await customer.client.post(ESTIMATE, json=batch)).json()
        assert (found["jobs"], found["units"], found["price_usd"]) == (2, 5, "0.12")
        wrong = {"jobs": [make_generate(), make_generate(width=13)]}
        for path in (ESTIMATE, "/api/v1/batches"):
            answer = await customer.client.post(path, json=wrong)
            assert (answer.status_code, answer.json()["code"]) == (422, "batch_refused")
            assert answer.json()["errors"][0]["pointer"] == "/jobs/1/width"
        assert (await customer.client.get(JOBS)).json()["jobs"] == []


async def test_an_estimate_says_what_does_not_fit_and_refuses_what_jobs_refuse(
    pair: House,
) -> None:
    async with await make_customer(pair, "small") as customer:
        client = customer.client
        assert (await client.post(ESTIMATE, json=make_body(5))).json()["fits"] is True
        assert (await client.post(ESTIMATE, json=make_body(6))).json()["fits"] is False
        for body in (make_generate(width=13), {"prompt": "x", "model": "none"}, {"workflow": {}}):
            estimated, sent = (
                await client.post(ESTIMATE, json=body),
                await client.post(JOBS, json=body),
            )
            assert estimated.status_code == sent.status_code == 422
            assert estimated.json()["code"] == sent.json()["code"]


async def test_the_estimate_knows_run_times_once_something_has_run(pair: House) -> None:
    async with await make_customer(pair, "business") as customer:
        body = make_generate(f"run {make_id('x')}", steps=3)
        job = (await customer.client.post("/api/v1/generate", json=body)).json()
        assert job["status"] == "succeeded"
        found = (await customer.client.post(ESTIMATE, json=body)).json()
        assert found["run_seconds"] is not None
        assert found["wait_seconds"] is not None
        assert found["wait_seconds"] >= 0


# Usage.


async def test_usage_tells_a_month_by_day_key_and_template(pair: House) -> None:
    async with await make_customer(pair, "metered") as customer:
        client = customer.client
        for body in (make_generate(), make_generate(num_images=3), make_body()):
            await client.post(JOBS, json=body)
        await wait_settled(customer)
        usage = (await client.get(USAGE)).json()
        assert usage["period"] == get_period()
        assert (usage["used"], usage["included"], usage["remaining"]) == (5, 2, 0)
        assert (usage["overage"], usage["cost_usd"], usage["plan_price_usd"]) == (3, "0.12", "9")
        assert usage["by_day"] == [{"day": get_day(), "units": 5}]
        assert usage["by_key"] == [{"key_id": customer.key_id, "units": 5}]
        assert usage["by_template"] == [
            {"template": "text-to-image", "units": 4},
            {"template": "workflow", "units": 1},
        ]
        assert (usage["jobs"], usage["periods"], usage["plan"]) == (3, [get_period()], "metered")

        earlier = (await client.get(USAGE, params={"period": "2020-02"})).json()
        assert (earlier["used"], earlier["by_day"], earlier["quota_remaining"]) == (0, [], 0)
        assert earlier["ends_at"].startswith("2020-03-01T00:00:00")
        for wrong in ("2020-13", "2020", "soon", "2020-01-01"):
            assert (await client.get(USAGE, params={"period": wrong})).status_code == 422


async def test_the_ledger_is_exported_line_by_line(pair: House) -> None:
    async with await make_customer(pair, "small") as customer:
        client = customer.client
        ids = [(await client.post(JOBS, json=make_generate())).json()["job_id"] for _ in range(3)]
        hanging = (await client.post(JOBS, json=make_generate("sandbox:hang"))).json()["job_id"]
        await client.post(f"{JOBS}/{hanging}/cancel")
        await wait_settled(customer)

        answer = await client.get(f"{USAGE}/ledger")
        assert answer.headers["content-type"] == "application/x-ndjson"
        rows = [json.loads(line) for line in answer.text.splitlines()]
        verbs = Counter((row["verb"], row["job_id"] in ids) for row in rows)
        assert verbs == {
            ("reserve", True): 3,
            ("settle", True): 3,
            ("reserve", False): 1,
            ("release", False): 1,
        }
        assert sum(row["units"] for row in rows if row["verb"] == "settle") == 3
        answer = await client.get(f"{USAGE}/ledger", params={"format": "csv"})
        assert answer.headers["content-type"].startswith("text/csv")
        table = list(csv.DictReader(io.StringIO(answer.text)))
        assert [{**row, "units": int(row["units"])} for row in table] == rows
        assert (await client.get(f"{USAGE}/ledger?format=xml")).status_code == 422
        assert (await client.get(f"{USAGE}/ledger?period=2020-01")).text == ""


async def test_usage_is_each_accounts_own_and_needs_its_scope(pair: House) -> None:
    async with (
        await make_customer(pair, "small") as one,
        await make_customer(pair, "small", scopes=("jobs:write",)) as other,
    ):
        await one.client.post(JOBS, json=make_generate())
        await wait_settled(one)
        for path in (USAGE, f"{USAGE}/ledger", CAP):
            assert (await other.client.get(path)).status_code == 403
        usage = await read_usage(pair.store, other.owner, get_period())
        assert (usage.settled, usage.reserved) == (0, 0)


async def test_a_job_works_no_longer_than_its_plan_says(house: House) -> None:
    async with await make_customer(house, "free") as customer:
        body = {"prompt": "a boat", "width": 64, "height": 64, "steps": 1}
        refused = await customer.client.post("/api/v1/jobs", json={**body, "timeout_seconds": 121})
        taken = await customer.client.post("/api/v1/jobs", json=body)

    assert (refused.status_code, refused.json()["code"]) == (403, "plan_lacks_feature")
    job = await find_job(house.store, taken.json()["job_id"])
    assert job is not None
    assert job.timeout_seconds == 120
