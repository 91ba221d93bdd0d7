"""Google's accounts: OpenID Connect with a code, PKCE, and permissions that outlast the visit.

Authlib knows the protocol; the requests are ours, with limits of time and size.
"""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from comfyhoused.adapters.google.account_errors import (
    GoogleGrantLost,
    GoogleRefusesUs,
    GoogleUnreachable,
)
from comfyhoused.adapters.google.grants import Grant, Identity
from comfyhoused.adapters.google.id_tokens import KeyUnknown, read_identity

_TIMEOUT = httpx.Timeout(15.0, connect=10.0)
_LARGEST_BYTES = 1_000_000
_DISCOVERY = "/.well-known/openid-configuration"
#: How long Google's own words about itself are believed, and how soon they may be asked again.
_KEPT_SECONDS = 3600
_AGAIN_SECONDS = 10.0
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
#: What a refusal means when it is not about our own registration.
_LOST = frozenset({"invalid_grant", "invalid_token"})


class GoogleAccounts:
    """One house, as an app that Google knows by `client_id`. One per process.

    A key that is not among Google's published ones has them asked for again, but not sooner than
    `again_seconds` after the last time.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        issuer: str,
        client_id: str,
        client_secret: str,
        *,
        again_seconds: float = _AGAIN_SECONDS,
    ) -> None:
        self._http = http
        self._issuer = issuer.rstrip("/")
        self._client_id = client_id
        self._client_secret = client_secret
        self._again_seconds = again_seconds
        self._kept: dict[str, tuple[float, dict[str, Any]]] = {}

    def __repr__(self) -> str:
        return f"GoogleAccounts({self._issuer})"

    async def make_url(
        self, *, state: str, verifier: str, redirect_uri: str, scope: str, **more: str
    ) -> str:
        """Return where a browser is sent to allow `scope`; `more` goes into the address too."""
        endpoint = (await self._discover())["authorization_endpoint"]
        return self.make_url_at(
            endpoint,
            state=state,
            verifier=verifier,
            redirect_uri=redirect_uri,
            scope=scope,
            **more,
        )

    def make_url_at(
        self,
        endpoint: str,
        *,
        state: str,
        verifier: str,
        redirect_uri: str,
        scope: str,
        **more: str,
    ) -> str:
        """As `make_url`, at an address that is known: where files are picked."""
        url: str = prepare_grant_uri(
            endpoint,
            client_id=self._client_id,
            response_type="code",
            redirect_uri=redirect_uri,
            scope=scope,
            state=state,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
            **more,
        )
        return url

    async def exchange(self, code: str, verifier: str, redirect_uri: str) -> Grant:
        """Return what a code stands for; raises GoogleGrantLost for one that is spent or old."""
        body = prepare_token_request(
            "authorization_code", redirect_uri=redirect_uri, code=code, code_verifier=verifier
        )
        return await self._ask_for_token(body)

    async def refresh(self, refresh_token: str) -> Grant:
        """Return a new access token; raises GoogleGrantLost once the user has taken it back."""
        body = prepare_token_request("refresh_token", refresh_token=refresh_token)
        return await self._ask_for_token(body)

    async def revoke(self, token: str) -> None:
        """Give everything back that the user gave us; what was taken back already is as good."""
        endpoint = (await self._discover()).get("revocation_endpoint")
        if not isinstance(endpoint, str):
            return
        try:
            await self._post(endpoint, str(httpx.QueryParams({"token": token})))
        except GoogleGrantLost:
            return

    async def identify(self, grant: Grant, nonce: str) -> Identity:
        """Return who gave this; raises IdTokenInvalid."""
        for is_again in (False, True):
            try:
                return read_identity(
                    grant,
                    await self._get_keys(is_fresh=is_again),
                    issuer=self._issuer,
                    client_id=self._client_id,
                    nonce=nonce,
                )
            except KeyUnknown as error:
                unknown = error
        raise GoogleUnreachable("Google signed with a key that it does not publish.") from unknown

    async def _ask_for_token(self, body: str) -> Grant:
        endpoint = (await self._discover())["token_endpoint"]
        secrets = {"client_id": self._client_id, "client_secret": self._client_secret}
        answer = await self._post(endpoint, f"{body}&{httpx.QueryParams(secrets)}")
        try:
            return Grant.read(answer)
        except (KeyError, ValueError, TypeError) as error:
            raise GoogleUnreachable("Google's answer holds no token.") from error

    async def _discover(self) -> dict[str, Any]:
        known = await self._get_kept(f"{self._issuer}{_DISCOVERY}", _KEPT_SECONDS)
        named = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if known.get("issuer") != self._issuer or not all(
            self._is_as_safe(known.get(name)) for name in named
        ):
            raise GoogleUnreachable(f"What {self._issuer} says about itself makes no sense.")
        return known

    def _is_as_safe(self, url: object) -> bool:
        """An issuer that is reached by TLS leads to nothing that is not."""
        if not isinstance(url, str):
            return False
        schemes = {"https"} if self._issuer.startswith("https:") else {"https", "http"}
        return urlsplit(url).scheme in schemes

    async def _get_keys(self, *, is_fresh: bool) -> dict[str, Any]:
        url: str = (await self._discover())["jwks_uri"]
        return await self._get_kept(url, self._again_seconds if is_fresh else _KEPT_SECONDS)

    async def _get_kept(self, url: str, seconds: float) -> dict[str, Any]:
        kept = self._kept.get(url)
        if kept is not None and time.monotonic() - kept[0] < seconds:
            return kept[1]
        status, document = await self._send(self._http.build_request("GET", url, timeout=_TIMEOUT))
        if status != 200:
            raise GoogleUnreachable(f"Google answered {status}.")
        self._kept[url] = (time.monotonic(), document)
        return document

    async def _post(self, url: str, body: str) -> dict[str, Any]:
        request = self._http.build_request(
            "POST", url, content=body.encode(), headers=_FORM, timeout=_TIMEOUT
        )
        status, document = await self._send(request)
        if status == 200:
            return document
        raise _make_fault(status, document)

    async def _send(self, request: httpx.Request) -> tuple[int, dict[str, Any]]:
        try:
            response = await self._http.send(request, stream=True, follow_redirects=False)
            try:
                body = await _read(response)
            finally:
                await response.aclose()
        except httpx.TransportError as error:
            raise GoogleUnreachable(f"Google did not answer: {type(error).__name__}.") from error
        return response.status_code, _parse(body)


def _make_fault(
    status: int, document: Mapping[str, Any]
) -> GoogleGrantLost | GoogleRefusesUs | GoogleUnreachable:
    reason = document.get("error")
    if status in (400, 401) and reason in _LOST:
        return GoogleGrantLost("It was taken back, used already, or is too old.")
    if 400 <= status < 500 and status not in (408, 429) and isinstance(reason, str):
        return GoogleRefusesUs(f"Google answered {reason[:60]!r}.")
    return GoogleUnreachable(f"Google answered {status}.")


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > _LARGEST_BYTES:
            raise GoogleUnreachable("Google's answer is larger than any answer should be.")
    return bytes(body)


def _parse(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}
