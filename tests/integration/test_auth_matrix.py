"""Who may ask for what: every operation of the document × everybody who could ask.

The scope an operation needs follows from its address and method. A new resource that is not in
the table here fails the test, so that somebody says who may use it.
"""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from comfyhoused.api.client_tokens import CLIENT_OPERATIONS
from comfyhoused.api.key_records import SCOPES
from comfyhoused.api.keys import create_key, revoke_key
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.ids import make_id
from tests.house import House
from tests.integration.belongings import make_belongings
from tests.sign_in import make_session_cookie
from tools.reference import write_openapi

pytestmark = pytest.mark.asyncio(loop_scope="session")

API = "/api/v1"
METHODS = ("get", "put", "post", "patch", "delete")
DOCUMENT: dict[str, Any] = json.loads(write_openapi())

#: Resource → whose scopes it needs: `…:read` to look, `…:write` to change.
FAMILIES = {
    "generate": "jobs",
    "upscale": "jobs",
    "jobs": "jobs",
    "batches": "jobs",
    "estimate": "jobs",
    "models": "jobs",
    "samplers": "jobs",
    "templates": "jobs",
    "files": "files",
    "workflows": "workflows",
    "webhooks": "webhooks",
    "usage": "usage",
    "keys": "keys",
}
#: Operations whose scope does not follow from that.
SCOPES_OF = {
    "run_workflow": "jobs:write",
    "get_spend_cap": "usage:read",
    "put_spend_cap": "keys:write",
    "get_webhook_secret": "webhooks:write",
    "get_webhook_endpoint_secret": "webhooks:write",
}
#: Any secret key will do.
ANY_KEY = {"get_account", "create_client_token"}
#: The house's own, or a stream.
OURS = {"get_template", "follow_job"}
#: No key is needed.
OPEN = {"get_health", "get_readiness", "get_metrics"}


@dataclass(frozen=True)
class Operation:
    """One method at one address."""

    id: str
    method: str
    path: str
    has_body: bool

    @property
    def scope(self) -> str | None:
        """The scope it needs; None: none."""
        if self.id in ANY_KEY | OPEN:
            return None
        if self.id in SCOPES_OF:
            return SCOPES_OF[self.id]
        family = FAMILIES[self.path.removeprefix(f"{API}/").split("/")[0]]
        return f"{family}:{'read' if self.method == 'get' else 'write'}"

    def fill(self, ids: dict[str, str]) -> str:
        """Return the address with the ids in their places; those unknown are of nobody."""
        path = self.path
        for name in (part[1:-1] for part in path.split("/") if part.startswith("{")):
            path = path.replace(f"{{{name}}}", ids.get(name, "nobody"))
        return path


def list_operations() -> list[Operation]:
    return [
        Operation(one["operationId"], method, path, "requestBody" in one)
        for path, item in DOCUMENT["paths"].items()
        for method, one in item.items()
        if method in METHODS
    ]


OPERATIONS = {one.id: one for one in list_operations()}
CLOSED = [name for name in OPERATIONS if name not in OPEN]


@dataclass
class Cast:
    """Everybody who asks, and what the owner has."""

    house: House
    http: httpx.AsyncClient
    ids: dict[str, str] = field(default_factory=dict)
    keys: dict[tuple[str, ...], str] = field(default_factory=dict)
    owner: str = ""
    expired: str = ""
    revoked: str = ""
    token: str = ""
    cookies: dict[str, str] = field(default_factory=dict)

    async def make_key(self, *scopes: str, account: str = "matrix-right") -> str:
        """Return a key with these scopes, made when first asked for."""
        name = (account, *scopes)
        if name not in self.keys:
            _, self.keys[name] = await create_key(
                self.house.store, account=account, mode="live", plan="business", scopes=scopes
            )
        return self.keys[name]

    async def ask(
        self, operation: Operation, shown: str | None, ids: dict[str, str] | None = None
    ) -> httpx.Response:
        headers = {} if shown is None else {"Authorization": f"Bearer {shown}"}
        return await self.http.request(
            operation.method,
            operation.fill(ids or {}),
            headers=headers,
            json={} if operation.has_body else None,
        )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cast(house: House) -> AsyncIterator[Cast]:
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=house.url, timeout=60))
        one = Cast(house, http)
        account = make_id("acct", 10)
        one.owner = await one.make_key(*SCOPES, account=account)
        past = get_now() - timedelta(seconds=1)
        _, one.expired = await create_key(
            house.store, account=account, mode="live", scopes=SCOPES, expires_at=past
        )
        key, one.revoked = await create_key(
            house.store, account=account, mode="live", scopes=SCOPES
        )
        await revoke_key(house.store, key.id)
        one.cookies = dict([await make_session_cookie(house.store, account)])
        one.ids = await make_belongings(house.url, one.owner)
        answer = await one.ask(OPERATIONS["create_client_token"], one.owner)
        one.token = answer.json()["client_token"]
        yield one


def get_code(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, str(answer.json()["code"])


@pytest.mark.parametrize("name", CLOSED)
async def test_who_shows_nothing_valid_is_not_let_in(cast: Cast, name: str) -> None:
    operation = OPERATIONS[name]
    cast.http.cookies.update(cast.cookies)
    assert get_code(await cast.ask(operation, None, cast.ids)) == (401, "key_missing")
    cast.http.cookies.clear()
    for shown in ("garbage", "sk_live_" + "0" * 49, "ct_" + "a" * 40 + "." + "0" * 64):
        assert get_code(await cast.ask(operation, shown, cast.ids)) == (401, "key_unknown")
    for shown in (cast.expired, cast.revoked):
        assert get_code(await cast.ask(operation, shown, cast.ids)) == (401, "key_unknown")


@pytest.mark.parametrize("name", [name for name in CLOSED if name not in ANY_KEY])
async def test_a_key_without_the_scope_is_refused(cast: Cast, name: str) -> None:
    operation = OPERATIONS[name]
    others = tuple(scope for scope in SCOPES if scope != operation.scope)
    shown = await cast.make_key(*others)
    assert get_code(await cast.ask(operation, shown, cast.ids)) == (403, "scope_missing")


@pytest.mark.parametrize("name", CLOSED)
async def test_a_key_with_this_one_scope_is_let_in(cast: Cast, name: str) -> None:
    operation = OPERATIONS[name]
    shown = await cast.make_key(*filter(None, [operation.scope]))
    answer = await cast.ask(operation, shown)
    assert answer.status_code not in (401, 403, 405), answer.text
    assert answer.status_code < 500, answer.text


@pytest.mark.parametrize("name", CLOSED)
async def test_a_client_token_does_what_browsers_may(cast: Cast, name: str) -> None:
    answer = await cast.ask(OPERATIONS[name], cast.token)
    if name in CLIENT_OPERATIONS:
        assert answer.status_code not in (401, 403), answer.text
    else:
        assert get_code(answer) == (403, "secret_key_needed")


@pytest.mark.parametrize("name", [name for name in CLOSED if "{" in OPERATIONS[name].path])
async def test_anothers_things_are_not_there(cast: Cast, name: str) -> None:
    operation = OPERATIONS[name]
    missing = [part for part in operation.path.split("/") if part.startswith("{")]
    assert all(part[1:-1] in cast.ids for part in missing), "make one of these for the owner"
    stranger = await cast.make_key(*SCOPES, account="matrix-stranger")
    answer = await cast.ask(operation, stranger, cast.ids)
    if operation.id == "register_workflow":
        assert answer.status_code == 422, "a name is each account's own"
    else:
        assert answer.status_code in (404, 422), answer.text
        filled = await cast.ask(operation, stranger)
        assert answer.status_code == filled.status_code, "as if it were nobody's"


@pytest.mark.parametrize(
    "name", [one.id for one in OPERATIONS.values() if one.method == "get" and one.id in CLOSED]
)
async def test_no_answer_to_a_stranger_names_the_owners_things(cast: Cast, name: str) -> None:
    stranger = await cast.make_key(*SCOPES, account="matrix-stranger")
    answer = await cast.ask(OPERATIONS[name], stranger)
    assert answer.status_code < 500
    for thing in cast.ids.values():
        assert thing not in answer.text


async def test_the_owner_still_has_everything(cast: Cast) -> None:
    """Runs last: whatever the others asked for has changed nothing."""
    for name in CLOSED:
        operation = OPERATIONS[name]
        if operation.method == "get" and "{" in operation.path and name not in OURS:
            answer = await cast.ask(operation, cast.owner, cast.ids)
            assert answer.status_code in (200, 307), (name, answer.text)


@pytest.mark.parametrize("name", sorted(OPEN))
async def test_what_is_open_tells_nothing_of_anybody(cast: Cast, name: str) -> None:
    answer = await cast.ask(OPERATIONS[name], None)
    assert answer.status_code == 200
    for thing in cast.ids.values():
        assert thing not in answer.text


async def test_every_operation_has_its_line() -> None:
    assert set(SCOPES_OF) | ANY_KEY | OPEN <= set(OPERATIONS)
    for operation in OPERATIONS.values():
        assert operation.scope is None or operation.scope in SCOPES, operation


async def test_the_document_says_which_operations_need_a_key() -> None:
    for path, item in DOCUMENT["paths"].items():
        for method in item.keys() & set(METHODS):
            is_open = item[method]["operationId"] in OPEN
            assert bool(item[method].get("security")) is not is_open, path
