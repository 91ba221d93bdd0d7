"""/keys and /account: made, limited, rotated with an overlap, revoked; nothing is handed on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from comfyhoused.api.accounts import resume_account, set_plan, stop_account
from comfyhoused.api.key_records import DEFAULT_SCOPES, SCOPES
from comfyhoused.api.keys import MOST_KEYS, create_key
from comfyhoused.kit.clock import get_now_ms
from comfyhoused.kit.crypto import make_digest
from comfyhoused.kit.ids import make_id
from tests.house import House
from tests.integration.test_jobs_refusals import check_problem
from tests.job_cases import make_generate

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEYS = "/api/v1/keys"
JOBS = "/api/v1/jobs"


@asynccontextmanager
async def use(house: House, secret: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {secret}"}
    async with httpx.AsyncClient(base_url=house.url, headers=headers, timeout=60) as client:
        yield client


@pytest.fixture
def account() -> str:
    return make_id("acct", 10)


@pytest_asyncio.fixture(loop_scope="session")
async def maker(house: House, account: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose key has every scope."""
    _, secret = await create_key(
        house.store, account=account, mode="live", plan="business", scopes=SCOPES
    )
    async with use(house, secret) as client:
        yield client


async def make(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await client.post(KEYS, json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    key: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"{KEYS}/{key['key_id']}"
    return key


async def opens(house: House, secret: str) -> bool:
    async with use(house, secret) as client:
        answer = await client.get("/api/v1/account")
    assert answer.status_code in (200, 401)
    return answer.status_code == 200


async def test_a_key_is_made_and_its_secret_shown_once(
    house: House, maker: httpx.AsyncClient
) -> None:
    key = await make(maker, name="Shop backend")
    assert key["secret"].startswith("sk_live_")
    assert key["scopes"] == list(DEFAULT_SCOPES)
    assert await opens(house, key["secret"])
    shown = (await maker.get(f"{KEYS}/{key['key_id']}")).json()
    assert shown["name"] == "Shop backend"
    assert shown["last_used_at"] is not None
    assert "secret" not in shown
    assert key["secret"] not in (await maker.get(KEYS)).text
    assert not await house.store.exists(f"ch:1:key:{key['secret']}")
    assert await house.store.exists(f"ch:1:key:{make_digest(key['secret'])}")


async def test_a_restricted_key_does_only_what_it_may(
    house: House, maker: httpx.AsyncClient
) -> None:
    key = await make(maker, scopes=["jobs:read", "jobs:read"])
    assert key["scopes"] == ["jobs:read"]
    async with use(house, key["secret"]) as client:
        assert (await client.get(JOBS)).status_code == 200
        check_problem(await client.post(JOBS, json=make_generate()), 403, "scope_missing")
        check_problem(await client.get(KEYS), 403, "scope_missing")


async def test_no_key_hands_on_more_than_it_has(house: House, maker: httpx.AsyncClient) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    later = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    wide = await make(maker, scopes=list(SCOPES))
    narrow = await make(maker, scopes=["keys:write", "jobs:read"], expires_at=soon)
    async with use(house, narrow["secret"]) as client:
        for body in ({"scopes": ["jobs:write"]}, {"expires_at": later}):
            check_problem(await client.post(KEYS, json=body), 403, "grant_too_wide")
        rotated = await client.post(f"{KEYS}/{wide['key_id']}/rotate")
        check_problem(rotated, 403, "grant_too_wide")
        child = await make(client)
        assert child["scopes"] == ["jobs:read"]
        assert child["expires_at"] == narrow["expires_at"], "it ends with its maker"


async def test_a_test_key_stays_in_test_mode(house: House, maker: httpx.AsyncClient) -> None:
    live = await make(maker)
    test = await make(maker, mode="test", scopes=list(SCOPES))
    assert test["secret"].startswith("sk_test_")
    async with use(house, test["secret"]) as client:
        check_problem(await client.post(KEYS, json={"mode": "live"}), 403, "grant_too_wide")
        assert (await make(client))["mode"] == "test"
        assert {key["mode"] for key in (await client.get(KEYS)).json()["keys"]} == {"test"}
        check_problem(await client.get(f"{KEYS}/{live['key_id']}"), 404, "key_not_found")
        check_problem(await client.delete(f"{KEYS}/{live['key_id']}"), 404, "key_not_found")
    assert await opens(house, live["secret"])


async def test_keys_of_other_accounts_are_not_there(house: House, maker: httpx.AsyncClient) -> None:
    theirs, secret = await create_key(house.store, account=make_id("acct", 10), mode="live")
    for answer in (
        await maker.get(f"{KEYS}/{theirs.id}"),
        await maker.delete(f"{KEYS}/{theirs.id}"),
        await maker.post(f"{KEYS}/{theirs.id}/rotate"),
    ):
        check_problem(answer, 404, "key_not_found")
    assert theirs.id not in (await maker.get(KEYS)).text
    assert await opens(house, secret)


async def test_a_key_expires(house: House, maker: httpx.AsyncClient) -> None:
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    check_problem(await maker.post(KEYS, json={"expires_at": past}), 422, "expiry_past")
    naive = await maker.post(KEYS, json={"expires_at": "2099-01-01T00:00:00"})
    assert naive.status_code == 422
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    key = await make(maker, expires_at=soon)
    assert await opens(house, key["secret"])
    await end(house, key["secret"])
    assert not await opens(house, key["secret"])


async def end(house: House, secret: str) -> None:
    """Let the instant come at which a key expires."""
    await house.store.hset(f"ch:1:key:{make_digest(secret)}", "expires_at", str(get_now_ms()))


async def test_rotation_overlaps(house: House, maker: httpx.AsyncClient) -> None:
    old = await make(maker, name="Shop", scopes=["jobs:read"])
    path = f"{KEYS}/{old['key_id']}/rotate"
    new = (await maker.post(path, json={"overlap_hours": 2})).json()
    assert (new["name"], new["scopes"]) == ("Shop", ["jobs:read"])
    assert new["secret"] != old["secret"]
    assert await opens(house, old["secret"])
    assert await opens(house, new["secret"])
    shown = (await maker.get(f"{KEYS}/{old['key_id']}")).json()
    assert shown["replaced_by"] == new["key_id"]
    left = datetime.fromisoformat(shown["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=1, minutes=50) < left <= timedelta(hours=2)
    check_problem(await maker.post(path), 409, "key_replaced")
    await end(house, old["secret"])
    assert not await opens(house, old["secret"])
    assert await opens(house, new["secret"])


async def test_rotation_without_overlap_ends_the_old_key_at_once(
    house: House, maker: httpx.AsyncClient
) -> None:
    old = await make(maker)
    new = (await maker.post(f"{KEYS}/{old['key_id']}/rotate", json={"overlap_hours": 0})).json()
    assert not await opens(house, old["secret"])
    assert await opens(house, new["secret"])


async def test_rotation_makes_no_key_last_longer(house: House, maker: httpx.AsyncClient) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    old = await make(maker, expires_at=soon)
    new = (await maker.post(f"{KEYS}/{old['key_id']}/rotate")).json()
    shown = (await maker.get(f"{KEYS}/{old['key_id']}")).json()
    assert new["expires_at"] == old["expires_at"] == shown["expires_at"]


async def test_a_revoked_key_is_not_revived(house: House, maker: httpx.AsyncClient) -> None:
    key = await make(maker)
    path = f"{KEYS}/{key['key_id']}"
    assert (await maker.delete(path)).status_code == 204
    assert (await maker.delete(path)).status_code == 204, "again is the same"
    assert not await opens(house, key["secret"])
    check_problem(await maker.post(f"{path}/rotate"), 404, "key_not_found")
    assert (await maker.get(path)).json()["revoked_at"] is not None


async def test_an_account_has_so_many_keys(house: House, maker: httpx.AsyncClient) -> None:
    made = [await make(maker) for _ in range(MOST_KEYS - 1)]
    check_problem(await maker.post(KEYS, json={}), 409, "too_many_keys")
    rotated = await maker.post(f"{KEYS}/{made[0]['key_id']}/rotate", json={"overlap_hours": 0})
    assert rotated.status_code == 201, "one for one"
    await maker.delete(f"{KEYS}/{made[1]['key_id']}")
    await make(maker)
    check_problem(await maker.post(KEYS, json={}), 409, "too_many_keys")


@pytest.mark.parametrize(
    "body",
    [
        {"scopes": []},
        {"scopes": ["everything"]},
        {"mode": "both"},
        {"name": "x" * 101},
        {"name": "a\nb"},
        {"plan": "business"},
        {"expires_at": "soon"},
    ],
)
async def test_what_cannot_be_a_key(maker: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await maker.post(KEYS, json=body)).status_code == 422


async def test_the_account_is_shown(house: House, maker: httpx.AsyncClient, account: str) -> None:
    shown = (await maker.get("/api/v1/account")).json()
    assert shown["account_id"] == account
    assert shown["plan"] == {"name": "business", "title": "Business"}
    await set_plan(house.store, account, "pro")
    await stop_account(house.store, account, "Unpaid.")
    shown = (await maker.get("/api/v1/account")).json()
    assert (shown["plan"]["name"], shown["stopped_reason"]) == ("pro", "Unpaid.")


async def test_a_stopped_account_keeps_what_it_has_and_gets_nothing_new(
    house: House, maker: httpx.AsyncClient, account: str
) -> None:
    done = (await maker.post("/api/v1/generate", json=make_generate())).json()
    held = (await maker.post(JOBS, json=make_generate(prompt="sandbox:hang"))).json()
    await stop_account(house.store, account, "Bad work.")
    for path in ("/api/v1/generate", JOBS):
        problem = check_problem(
            await maker.post(path, json=make_generate()), 403, "account_stopped"
        )
        assert "Bad work." in problem["detail"]
    picture = {"Content-Type": "image/png"}
    upload = await maker.post("/api/v1/files", content=b"png", headers=picture)
    check_problem(upload, 403, "account_stopped")
    assert (await maker.get(f"{JOBS}/{done['job_id']}")).status_code == 200
    assert (await maker.get(JOBS)).status_code == 200
    assert (await maker.post(f"{JOBS}/{held['job_id']}/cancel")).status_code == 200
    await resume_account(house.store, account)
    assert (await maker.post(JOBS, json=make_generate())).status_code == 202


async def test_a_key_that_ends_soon_rotates_none_that_lasts(house: House, account: str) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    lasting, _ = await create_key(house.store, account=account, mode="live", scopes=SCOPES)
    short, secret = await create_key(
        house.store, account=account, mode="live", scopes=SCOPES, expires_at=soon
    )
    brief, _ = await create_key(
        house.store,
        account=account,
        mode="live",
        scopes=SCOPES,
        expires_at=soon - timedelta(minutes=5),
    )
    async with use(house, secret) as client:
        refused = await client.post(f"{KEYS}/{lasting.id}/rotate", json={})
        assert (refused.status_code, refused.json()["code"]) == (403, "grant_too_wide")
        for key in (brief, short):
            rotated = await client.post(f"{KEYS}/{key.id}/rotate", json={"overlap_hours": 1})
            assert rotated.status_code == 201, rotated.text


async def test_a_test_key_does_not_change_what_live_keys_may_spend(
    house: House, account: str
) -> None:
    path, body = "/api/v1/spend-cap", {"spend_cap_usd": 5}
    secrets = {}
    for mode in ("live", "test"):
        _, secrets[mode] = await create_key(
            house.store, account=account, mode=mode, plan="metered", scopes=SCOPES
        )
    async with use(house, secrets["live"]) as client:
        assert (await client.put(path, json=body)).status_code == 200
    async with use(house, secrets["test"]) as client:
        refused = await client.put(path, json={"spend_cap_usd": None})
        assert (refused.status_code, refused.json()["code"]) == (403, "live_key_needed")
    async with use(house, secrets["live"]) as client:
        assert (await client.get(path)).json()["spend_cap_usd"] == "5"
