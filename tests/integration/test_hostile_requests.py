"""Requests made to break something: each gets an ordinary refusal, or an ordinary answer."""

import json
from typing import Any

import httpx
import pytest
import pytest_asyncio

from comfyhoused.kit.ids import make_id
from tests.house import House
from tests.integration.test_jobs_refusals import check_problem
from tests.job_cases import make_blank_graph, make_generate

pytestmark = pytest.mark.asyncio(loop_scope="session")

JOBS = "/api/v1/jobs"
JSON = {"Content-Type": "application/json"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def customer(house: House) -> Any:
    async with await house.make_client(account=make_id("acct", 8)) as client:
        yield client


async def post_workflow(
    customer: httpx.AsyncClient, graph: dict[str, Any], **headers: str
) -> httpx.Response:
    # json= of httpx cannot write half a character.
    body = json.dumps({"workflow": graph})
    return await customer.post(JOBS, content=body, headers={**JSON, **headers})


@pytest.mark.parametrize(
    "stray",
    [{"title": "\ud800"}, {"number": 1 << 70}, {"number": float("nan")}],
    ids=["half a character", "a large number", "no number"],
)
async def test_what_is_not_looked_at_does_no_harm(
    customer: httpx.AsyncClient, stray: dict[str, Any]
) -> None:
    graph = make_blank_graph()
    next(iter(graph.values()))["_meta"] = stray
    key = {"Idempotency-Key": make_id("again")}
    first = await post_workflow(customer, graph, **key)
    second = await post_workflow(customer, graph, **key)
    assert (first.status_code, second.status_code) == (202, 202), first.text
    assert first.json()["job_id"] == second.json()["job_id"]


async def test_a_deeply_nested_workflow_is_refused(customer: httpx.AsyncClient) -> None:
    graph = make_blank_graph()
    inner: dict[str, Any] = {}
    next(iter(graph.values()))["_meta"] = inner
    for _ in range(300):
        inner["more"] = inner = {}
    problem = check_problem(await post_workflow(customer, graph), 422, "unprocessable")
    assert problem["errors"][0]["pointer"] == "/workflow"


@pytest.mark.parametrize("place", ["fields", "metadata", "loras"])
async def test_a_heap_of_mistakes_is_counted_once(customer: httpx.AsyncClient, place: str) -> None:
    heap = {f"mistake{number}": 0 for number in range(2_000)}
    body = make_generate()
    if place == "fields":
        body |= heap
    elif place == "metadata":
        body["metadata"] = heap
    else:
        body["loras"] = [heap]
    problem = check_problem(await customer.post(JOBS, json=body), 422, "unprocessable")
    assert len(problem["errors"]) == 1


async def test_cursors_of_any_letters_are_refused(customer: httpx.AsyncClient) -> None:
    for listing in (JOBS, "/api/v1/files"):
        answer = await customer.get(listing, params={"cursor": "é"})
        check_problem(answer, 400, "invalid_cursor")


async def test_a_signature_of_any_letters_is_refused(house: House) -> None:
    terms = {"expires": "1", "type": "image/png", "name": "a.png", "etag": "", "signature": "é"}
    answer = await house.client.get("/files/raw/inputs/a.png", params=terms)
    check_problem(answer, 403, "link_invalid")


@pytest.mark.parametrize("suffix", [":events", ":spec", ":snapshot", "/../x", "x", ""])
async def test_what_hangs_on_a_job_is_no_job(
    house: House, customer: httpx.AsyncClient, suffix: str
) -> None:
    """Nobody learns from the answer whether a stranger's job exists."""
    job_id = await house.submit()
    name = f"{job_id}{suffix}".replace("/", "%2F")
    for who in (customer, house.client) if suffix else (customer,):
        answers = [
            await who.get(f"{JOBS}/{name}"),
            await who.get(f"{JOBS}/{name}/events"),
            await who.post(f"{JOBS}/{name}/cancel"),
            await who.delete(f"{JOBS}/{name}"),
        ]
        assert [answer.status_code for answer in answers] == [404] * 4, answers
        assert (await house.get_job(job_id))["canceling"] is False


async def test_an_idempotency_key_reaches_into_no_other_mode(house: House) -> None:
    account = make_id("acct", 8)
    async with (
        await house.make_client("test", account) as test,
        await house.make_client("live", account) as live,
    ):
        first = await test.post(JOBS, json=make_generate(), headers={"Idempotency-Key": "a"})
        other = await live.post(JOBS, json=make_generate(), headers={"Idempotency-Key": "test:a"})
    assert (first.status_code, other.status_code) == (202, 202), other.text
    assert first.json()["job_id"] != other.json()["job_id"]


@pytest.mark.parametrize(
    "name", ["evil.example", "a{b.evil.example", 'a"b.evil.example', "evil.example:", "[", "a:b:c"]
)
async def test_a_page_under_a_strangers_name_may_do_nothing(house: House, name: str) -> None:
    """A stranger's name may be made to point here; browsers take odd letters in names."""
    answer = await house.client.get("/page/recent", headers={"Host": name})
    check_problem(answer, 403, "host_unknown")


@pytest.mark.parametrize("name", ["localhost:1", "127.0.0.1", "[::1]:99", "a.localhost"])
async def test_a_page_under_a_name_of_its_own_works(house: House, name: str) -> None:
    assert (await house.client.get("/page/recent", headers={"Host": name})).status_code == 200
