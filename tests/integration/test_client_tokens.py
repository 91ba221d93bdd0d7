"""Client tokens and requests of other pages: what a browser may, and what it never may."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio

from comfyhoused.api.client_tokens import (
    CLIENT_OPERATIONS,
    ClientToken,
    read_client_token,
    write_client_token,
)
from comfyhoused.api.key_check import KeyUnknown
from comfyhoused.api.keys import create_key, revoke_key
from comfyhoused.kit.clock import get_now_ms
from comfyhoused.kit.ids import make_id
from tests.house import SECRET, House
from tests.integration.test_jobs_refusals import check_problem
from tests.job_cases import make_generate

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOKENS = "/api/v1/client-tokens"
JOBS = "/api/v1/jobs"
SHOP = "https://shop.example"


@asynccontextmanager
async def use(house: House, shown: str, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {shown}", **headers}
    async with httpx.AsyncClient(base_url=house.url, headers=headers, timeout=60) as client:
        yield client


@pytest.fixture
def account() -> str:
    return make_id("acct", 10)


@pytest_asyncio.fixture(loop_scope="session")
async def server(house: House, account: str) -> AsyncIterator[httpx.AsyncClient]:
    """The customer's own server, which has the secret key."""
    async with await house.make_client(account=account) as client:
        yield client


async def make_token(server: httpx.AsyncClient, **body: Any) -> str:
    answer = await server.post(TOKENS, json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return str(answer.json()["client_token"])


async def test_a_browser_submits_and_follows(house: House, server: httpx.AsyncClient) -> None:
    token = await make_token(server)
    async with use(house, token, Origin=SHOP) as browser:
        answer = await browser.post("/api/v1/generate", json=make_generate())
        assert answer.status_code == 200, answer.text
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
        assert "Retry-After" in answer.headers["access-control-expose-headers"]
        job_id = answer.json()["job_id"]
        assert (await browser.get(f"{JOBS}/{job_id}")).status_code == 200
        address = f"{house.url}{JOBS}/{job_id}/events?token={token}"
        async with httpx.AsyncClient() as plain:
            events = await plain.get(address, headers={"Origin": SHOP})
        assert "event: job.succeeded" in events.text
    assert (await server.get(f"{JOBS}/{job_id}")).status_code == 200, "it is the account's"


async def test_a_token_sees_no_list_and_no_key(house: House, server: httpx.AsyncClient) -> None:
    token = await make_token(server)
    async with use(house, token) as browser:
        for path in (JOBS, "/api/v1/files", "/api/v1/account", "/api/v1/keys", "/api/v1/usage"):
            check_problem(await browser.get(path), 403, "secret_key_needed")
        check_problem(await browser.post(TOKENS), 403, "secret_key_needed")


async def test_operations_of_browsers_are_there(house: House) -> None:
    async with httpx.AsyncClient(base_url=house.url) as client:
        document = (await client.get("/api/v1/openapi.json")).json()
    there = {one["operationId"] for path in document["paths"].values() for one in path.values()}
    missing = CLIENT_OPERATIONS - there
    assert missing <= {"list_templates", "get_template"}, missing


async def test_a_token_ends_with_its_key(house: House, account: str) -> None:
    key, secret = await create_key(house.store, account=account, mode="live", plan="business")
    async with use(house, secret) as server:
        token = await make_token(server)
    async with use(house, token) as browser:
        assert (await browser.get("/api/v1/models")).status_code == 200
        await revoke_key(house.store, key.id)
        check_problem(await browser.get("/api/v1/models"), 401, "key_unknown")


async def test_a_token_has_no_more_scopes_than_its_key(house: House, account: str) -> None:
    _, secret = await create_key(
        house.store, account=account, mode="live", plan="business", scopes=["jobs:read"]
    )
    async with use(house, secret) as server:
        check_problem(
            await server.post(TOKENS, json={"scopes": ["jobs:write"]}), 403, "grant_too_wide"
        )
        answer = await server.post(TOKENS)
        assert answer.json()["scopes"] == ["jobs:read"]
    async with use(house, answer.json()["client_token"]) as browser:
        check_problem(await browser.post(JOBS, json=make_generate()), 403, "scope_missing")


async def test_only_so_many_jobs_of_all_that_race(house: House, server: httpx.AsyncClient) -> None:
    token = await make_token(server, max_jobs=5)
    async with use(house, token) as browser:
        refused = await browser.post(JOBS, json=make_generate(width=7))
        assert refused.status_code == 422, "what is refused costs nothing of it"
        answers = await asyncio.gather(
            *(browser.post(JOBS, json=make_generate(seed=seed)) for seed in range(20))
        )
        statuses = [answer.status_code for answer in answers]
        assert (statuses.count(202), statuses.count(403)) == (5, 15)
        check_problem(await browser.post(JOBS, json=make_generate()), 403, "client_token_spent")


async def test_a_repeated_request_counts_once(house: House, server: httpx.AsyncClient) -> None:
    token = await make_token(server, max_jobs=2)
    async with use(house, token) as browser:
        for _ in range(4):
            answer = await browser.post(
                JOBS, json=make_generate(), headers={"Idempotency-Key": "one"}
            )
            assert answer.status_code == 202
        assert (await browser.post(JOBS, json=make_generate())).status_code == 202
        assert (await browser.post(JOBS, json=make_generate())).status_code == 403


async def test_only_so_many_units(house: House, server: httpx.AsyncClient) -> None:
    token = await make_token(server, max_units=5)
    async with use(house, token) as browser:
        body = make_generate(num_images=3)
        assert (await browser.post(JOBS, json=body)).status_code == 202
        check_problem(await browser.post(JOBS, json=body), 403, "client_token_spent")
        assert (await browser.post(JOBS, json=make_generate(num_images=2))).status_code == 202


async def test_only_pages_it_was_made_for(house: House, server: httpx.AsyncClient) -> None:
    token = await make_token(server, allowed_origins=[SHOP])
    for headers in ({"Origin": "https://stranger.example"}, {"Origin": "null"}, {}):
        async with use(house, token, **headers) as browser:
            answer = await browser.post(JOBS, json=make_generate())
            check_problem(answer, 403, "origin_refused")
    async with use(house, token, Origin=SHOP) as browser:
        assert (await browser.post(JOBS, json=make_generate())).status_code == 202


async def test_a_live_key_in_a_browser_is_refused(house: House, account: str) -> None:
    live = await house.make_key(account=account)
    async with use(house, live, Origin="https://shop.example") as browser:
        problem = check_problem(await browser.get(JOBS), 403, "key_in_browser")
        assert live not in str(problem)
        assert "Revoke" in problem["detail"]
    async with use(house, live, Origin=house.url) as page:
        assert (await page.get(JOBS)).status_code == 200, "our own pages are no strangers"
    test = await house.make_key("test", account)
    async with use(house, test, Origin="http://localhost:5173") as browser:
        assert (await browser.get(JOBS)).status_code == 200, "it can spend nothing"


async def test_no_key_stands_in_an_address(house: House, server: httpx.AsyncClient) -> None:
    job_id = (await server.post(JOBS, json=make_generate())).json()["job_id"]
    secret = server.headers["Authorization"].removeprefix("Bearer ")
    token = await make_token(server)
    async with httpx.AsyncClient(base_url=house.url) as anybody:
        answer = await anybody.get(f"{JOBS}/{job_id}/events", params={"token": secret})
        check_problem(answer, 401, "key_unknown")
        answer = await anybody.get(f"{JOBS}/{job_id}", params={"token": token})
        check_problem(answer, 401, "key_missing")
    assert secret not in house.read_logs(100_000)
    assert token not in house.read_logs(100_000)


async def test_a_preflight_is_answered_without_a_key(house: House) -> None:
    ask = {
        "Origin": SHOP,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
    }
    async with httpx.AsyncClient(base_url=house.url) as browser:
        answer = await browser.options(JOBS, headers=ask)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == "*"
        for name in ("Authorization", "Content-Type", "Idempotency-Key", "Prefer", "Last-Event-ID"):
            assert name in answer.headers["access-control-allow-headers"]
        for path in ("/console", "/page/pictures", "/"):
            answer = await browser.options(path, headers=ask)
            assert "access-control-allow-origin" not in answer.headers, path
        failure = await browser.get(JOBS, headers={"Origin": SHOP})
        assert failure.status_code == 401
        assert failure.headers["access-control-allow-origin"] == "*", "a page can read why"


@pytest.mark.parametrize(
    "body",
    [
        {"expires_in_seconds": 3601},
        {"expires_in_seconds": 0},
        {"scopes": ["keys:write"]},
        {"allowed_origins": ["https://shop.example/path"]},
        {"allowed_origins": ["*"]},
        {"max_jobs": 0},
    ],
)
async def test_what_cannot_be_a_token(server: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await server.post(TOKENS, json=body)).status_code == 422


async def test_a_token_cannot_be_forged(house: House, server: httpx.AsyncClient) -> None:
    token = await make_token(server)
    secret = SECRET.encode()
    known = read_client_token(secret, token)
    longer = ClientToken(known.id, known.key_id, known.scopes, known.expires_ms + 10**9)
    forged = write_client_token(b"another secret", longer)
    mixed = forged.partition(".")[0] + "." + token.partition(".")[2]
    past = ClientToken(known.id, known.key_id, known.scopes, get_now_ms())
    for one in (forged, mixed, token[:-1], token + "0", write_client_token(secret, past)):
        with pytest.raises(KeyUnknown):
            read_client_token(secret, one)
        async with use(house, one) as browser:
            check_problem(await browser.get("/api/v1/models"), 401, "key_unknown")
