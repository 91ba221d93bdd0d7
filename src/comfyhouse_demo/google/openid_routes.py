"""OpenID Connect: discovery, keys, tokens, userinfo, revocation."""

import base64
import binascii
import hmac
from typing import Any
from urllib.parse import unquote_plus

from aiohttp import web

from comfyhouse_demo.google.access import get_visitor
from comfyhouse_demo.google.answering import answer_whole
from comfyhouse_demo.google.grants import (
    TokenRefusal,
    Tokens,
    make_tokens,
    refresh_tokens,
    revoke,
    take_code,
)
from comfyhouse_demo.google.house import GOOGLE, Google
from comfyhouse_demo.google.people import Person, get_person
from comfyhouse_demo.google.scopes import EMAIL, PROFILE
from comfyhouse_demo.google.store import now

_ID_TOKEN_SECONDS = 3600


async def discover(request: web.Request) -> web.Response:
    url = request.app[GOOGLE].public_url
    return answer_whole(
        request,
        {
            "issuer": url,
            "authorization_endpoint": f"{url}/o/oauth2/v2/auth",
            "token_endpoint": f"{url}/token",
            "userinfo_endpoint": f"{url}/v1/userinfo",
            "revocation_endpoint": f"{url}/revoke",
            "jwks_uri": f"{url}/oauth2/v3/certs",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "claims_supported": ["aud", "email", "email_verified", "exp", "iat", "iss", "name"],
            "code_challenge_methods_supported": ["plain", "S256"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
        },
    )


async def list_keys(request: web.Request) -> web.Response:
    return answer_whole(request, {"keys": [request.app[GOOGLE].key.render()]})


async def hand_out(request: web.Request) -> web.Response:
    """Exchange a code, or a refresh token, for tokens."""
    google = request.app[GOOGLE]
    form = await request.post()
    values = {name: value for name, value in form.items() if isinstance(value, str)}
    request["body"] = {"grant_type": values.get("grant_type", "")}
    try:
        _check_client(google, request, values)
        document = _make_answer(google, values)
    except TokenRefusal as refusal:
        body = {"error": refusal.error, "error_description": refusal.description}
        return answer_whole(request, body, refusal.status)
    return answer_whole(request, document, headers={"Cache-Control": "no-store"})


async def tell_user(request: web.Request) -> web.Response:
    google = request.app[GOOGLE]
    visitor = get_visitor(google.store, request, {"openid", EMAIL, PROFILE})
    return answer_whole(request, _make_claims(visitor.person, visitor.scopes))


async def take_back(request: web.Request) -> web.Response:
    """End a grant, given one of its tokens."""
    form = await request.post()
    token = str(form.get("token") or request.query.get("token", ""))
    if revoke(request.app[GOOGLE].store, token):
        return answer_whole(request, {})
    body = {"error": "invalid_token", "error_description": "Token expired or revoked"}
    return answer_whole(request, body, 400)


ROUTES = (
    web.get("/.well-known/openid-configuration", discover),
    web.get("/oauth2/v3/certs", list_keys),
    web.post("/token", hand_out),
    web.get("/v1/userinfo", tell_user),
    web.post("/revoke", take_back),
)


def _make_answer(google: Google, values: dict[str, str]) -> dict[str, Any]:
    life = google.switches.token_seconds
    kind = values.get("grant_type")
    nonce = ""
    if kind == "authorization_code":
        facts = take_code(
            google.store,
            values.get("code", ""),
            google.client.id,
            values.get("redirect_uri", ""),
            values.get("code_verifier", ""),
        )
        nonce = facts["nonce"]
        tokens = make_tokens(
            google.store,
            facts["sub"],
            google.client.id,
            facts["scopes"],
            life,
            is_offline=facts["is_offline"],
        )
    elif kind == "refresh_token":
        if google.switches.refuse_refresh:
            raise TokenRefusal("invalid_grant", "Token has been expired or revoked.")
        token = values.get("refresh_token", "")
        tokens = refresh_tokens(google.store, token, google.client.id, life)
    else:
        raise TokenRefusal("unsupported_grant_type", f"Invalid grant_type: {kind}")
    return _render_tokens(google, tokens, nonce)


def _render_tokens(google: Google, tokens: Tokens, nonce: str) -> dict[str, Any]:
    document: dict[str, Any] = {
        "access_token": tokens.access,
        "expires_in": int(google.switches.token_seconds),
        "scope": " ".join(tokens.scopes),
        "token_type": "Bearer",
    }
    if tokens.refresh:
        document["refresh_token"] = tokens.refresh
    if "openid" in tokens.scopes:
        document["id_token"] = _make_id_token(google, tokens, nonce)
    return document


def _make_id_token(google: Google, tokens: Tokens, nonce: str) -> str:
    person = get_person(google.store, tokens.sub)
    issued = int(now())
    claims: dict[str, Any] = {
        "iss": google.public_url,
        "azp": google.client.id,
        "aud": google.client.id,
        "iat": issued,
        "exp": issued + _ID_TOKEN_SECONDS,
        **_make_claims(person, frozenset(tokens.scopes)),
    }
    if nonce:
        claims["nonce"] = nonce
    return google.key.sign(claims)


def _make_claims(person: Person, scopes: frozenset[str]) -> dict[str, Any]:
    claims: dict[str, Any] = {"sub": person.sub}
    if EMAIL in scopes:
        claims |= {"email": person.email, "email_verified": True}
    if PROFILE in scopes:
        claims |= {"name": person.name, "given_name": person.name.split()[0]}
    return claims


def _check_client(google: Google, request: web.Request, values: dict[str, str]) -> None:
    """Raise TokenRefusal unless the app proves who it is, by header or in the form."""
    client_id, secret = values.get("client_id", ""), values.get("client_secret", "")
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme == "Basic":
        client_id, secret = _read_basic(encoded)
    known = hmac.compare_digest(client_id.encode(), google.client.id.encode())
    if not known:
        raise TokenRefusal("invalid_client", "The OAuth client was not found.", 401)
    if not hmac.compare_digest(secret.encode(), google.client.secret.encode()):
        raise TokenRefusal("invalid_client", "Unauthorized", 401)


def _read_basic(encoded: str) -> tuple[str, str]:
    try:
        client_id, _, secret = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote_plus(client_id), unquote_plus(secret)
