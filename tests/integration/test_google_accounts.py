"""Google's accounts over real HTTP: keys that change, answers that make no sense."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey

from comfyhoused.adapters.google.account_errors import (
    GoogleGrantLost,
    GoogleRefusesUs,
    GoogleUnreachable,
)
from comfyhoused.adapters.google.accounts import GoogleAccounts
from comfyhoused.adapters.google.grants import Grant


@dataclass
class Issuer:
    """A server that answers as it is told; `asked` counts each path."""

    url: str = ""
    changes: dict[str, Any] = field(default_factory=dict)
    keys: list[RSAKey] = field(default_factory=list)
    token_answer: web.Response | None = None
    asked: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)

    async def discover(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        return web.json_response(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/auth",
                "token_endpoint": f"{self.url}/token",
                "revocation_endpoint": f"{self.url}/revoke",
                "jwks_uri": f"{self.url}/keys",
                **self.changes,
            }
        )

    async def list_keys(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        return web.json_response({"keys": [key.as_dict(private=False) for key in self.keys]})

    async def answer_token(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        self.forms.append({name: str(value) for name, value in (await request.post()).items()})
        assert self.token_answer is not None
        return self.token_answer


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    one = Issuer(keys=[FIRST])
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", one.discover)
    app.router.add_get("/keys", one.list_keys)
    app.router.add_post("/token", one.answer_token)
    app.router.add_post("/revoke", one.answer_token)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    one.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield one
    await runner.cleanup()


@pytest.fixture
async def accounts(issuer: Issuer) -> AsyncIterator[GoogleAccounts]:
    async with httpx.AsyncClient() as http:
        yield GoogleAccounts(http, issuer.url, "our client", "our secret")


def make_key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"})


FIRST, SECOND = make_key("first"), make_key("second")


def make_grant(issuer: Issuer, key: RSAKey) -> Grant:
    now = int(time.time())
    claims = {
        "iss": issuer.url,
        "aud": "our client",
        "sub": "1077",
        "email": "ada@example.com",
        "email_verified": True,
        "nonce": "n",
        "iat": now,
        "exp": now + 60,
    }
    token = jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key)
    return Grant("ya29", 60, frozenset(), id_token=token)


async def test_what_google_says_of_itself_is_asked_once(
    issuer: Issuer, accounts: GoogleAccounts
) -> None:
    for _ in range(5):
        await accounts.make_url(state="s", verifier="v" * 43, redirect_uri="r", scope="openid")
        assert (await accounts.identify(make_grant(issuer, issuer.keys[0]), "n")).sub == "1077"
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]


async def test_a_key_that_is_not_published_lets_nobody_in(
    issuer: Issuer, accounts: GoogleAccounts
) -> None:
    for _ in range(3):
        with pytest.raises(GoogleUnreachable):
            await accounts.identify(make_grant(issuer, SECOND), "n")
    # Made-up keys do not make us ask for Google's again and again.
    assert issuer.asked.count("/keys") == 1


async def test_google_may_change_its_keys(issuer: Issuer) -> None:
    async with httpx.AsyncClient() as http:
        patient = GoogleAccounts(http, issuer.url, "our client", "our secret", again_seconds=0)
        assert (await patient.identify(make_grant(issuer, FIRST), "n")).sub == "1077"
        issuer.keys = [SECOND]
        assert (await patient.identify(make_grant(issuer, SECOND), "n")).sub == "1077"
    assert issuer.asked.count("/keys") == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": None},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": 7},
    ],
)
async def test_an_issuer_that_contradicts_itself_is_not_followed(
    issuer: Issuer, accounts: GoogleAccounts, changes: dict[str, Any]
) -> None:
    issuer.changes = changes
    with pytest.raises(GoogleUnreachable):
        await accounts.make_url(state="s", verifier="v" * 43, redirect_uri="r", scope="openid")


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (400, {"error": "invalid_grant"}, GoogleGrantLost),
        (401, {"error": "invalid_client"}, GoogleRefusesUs),
        (400, {"error": "redirect_uri_mismatch"}, GoogleRefusesUs),
        (429, {"error": "rate_limit_exceeded"}, GoogleUnreachable),
        (500, {"error": "invalid_grant"}, GoogleUnreachable),
        (503, {}, GoogleUnreachable),
        (302, {}, GoogleUnreachable),
        (200, {}, GoogleUnreachable),
        (200, {"access_token": ""}, GoogleUnreachable),
        (200, {"access_token": "a", "expires_in": "soon"}, GoogleUnreachable),
        (200, ["a"], GoogleUnreachable),
    ],
)
async def test_refusals_are_told_apart_by_their_reason(
    issuer: Issuer,
    accounts: GoogleAccounts,
    status: int,
    body: Any,
    fault: type[Exception],
) -> None:
    issuer.token_answer = web.json_response(body, status=status, headers={"Location": "/keys"})
    with pytest.raises(fault):
        await accounts.refresh("1//refresh")
    assert "/keys" not in issuer.asked  # we follow nobody


async def test_an_endless_answer_is_not_read(issuer: Issuer, accounts: GoogleAccounts) -> None:
    issuer.token_answer = web.Response(body=b" " * 2_000_000)
    with pytest.raises(GoogleUnreachable):
        await accounts.refresh("1//refresh")


async def test_a_code_is_exchanged_with_what_proves_that_it_is_ours(
    issuer: Issuer, accounts: GoogleAccounts
) -> None:
    body = {"access_token": "a & b", "expires_in": 60, "scope": "one two"}
    issuer.token_answer = web.json_response(body)
    grant = await accounts.exchange("4/code&x=1", "verifier", "https://house.example/back")
    assert grant.scopes == {"one", "two"}
    assert "a & b" not in repr(grant)
    assert issuer.forms == [
        {
            "grant_type": "authorization_code",
            "redirect_uri": "https://house.example/back",
            "code": "4/code&x=1",
            "code_verifier": "verifier",
            "client_id": "our client",
            "client_secret": "our secret",
        }
    ]


async def test_giving_back_what_is_gone_is_as_good(
    issuer: Issuer, accounts: GoogleAccounts
) -> None:
    issuer.token_answer = web.json_response({"error": "invalid_token"}, status=400)
    await accounts.revoke("1//refresh")
    issuer.token_answer = web.json_response({}, status=503)
    with pytest.raises(GoogleUnreachable):
        await accounts.revoke("1//refresh")


async def test_nobody_there_is_said_so() -> None:
    async with httpx.AsyncClient() as http:
        accounts = GoogleAccounts(http, "http://127.0.0.1:9", "our client", "our secret")
        with pytest.raises(GoogleUnreachable):
            await accounts.refresh("1//refresh")
