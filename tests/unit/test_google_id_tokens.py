"""Google's word on who somebody is, and what only looks like it."""

import base64
import hmac
import json
import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from comfyhoused.adapters.google.account_errors import IdTokenInvalid
from comfyhoused.adapters.google.grants import Grant
from comfyhoused.adapters.google.id_tokens import KeyUnknown, read_identity

ISSUER = "https://accounts.google.com"
CLIENT = "our client"
NONCE = "our nonce"
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
STRANGER = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
PUBLISHED = {"keys": [KEY.as_dict(private=False)]}


def make_claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": CLIENT,
        "azp": CLIENT,
        "sub": "1077",
        "email": "ada@example.com",
        "email_verified": True,
        "name": "Ada",
        "nonce": NONCE,
        "iat": now,
        "exp": now + 3600,
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def sign(claims: dict[str, Any], key: Any = KEY, **header: str) -> str:
    return jwt.encode({"alg": "RS256", "kid": "one", **header}, claims, key)


def sign_by_published_key(claims: dict[str, Any]) -> str:
    """Sign as anybody can who takes the published key for a shared secret."""
    head = encode(json.dumps({"alg": "HS256", "kid": "one"}).encode())
    signed = f"{head}.{encode(json.dumps(claims).encode())}"
    secret = KEY.as_pem(private=False)
    return f"{signed}.{encode(hmac.digest(secret, signed.encode(), 'sha256'))}"


def encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def read(token: str) -> Any:
    grant = Grant("ya29.token", 3600, frozenset(), id_token=token)
    return read_identity(grant, PUBLISHED, issuer=ISSUER, client_id=CLIENT, nonce=NONCE)


def test_google_s_word_is_read() -> None:
    identity = read(sign(make_claims()))
    assert (identity.sub, identity.email, identity.name) == ("1077", "ada@example.com", "Ada")
    assert read(sign(make_claims(iss="accounts.google.com"))).sub == "1077"
    assert read(sign(make_claims(name=None))).name == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another client"},
        {"aud": ["another client", "a third"]},
        {"aud": None},
        {"azp": "another client"},
        {"exp": int(time.time()) - 600},
        {"exp": None},
        {"iat": int(time.time()) + 6000},
        {"nonce": "another nonce"},
        {"nonce": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 1077},
        {"email": None},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email_verified": None},
        {"at_hash": "of another token"},
    ],
)
def test_a_claim_that_does_not_hold_lets_nobody_in(changes: dict[str, Any]) -> None:
    with pytest.raises(IdTokenInvalid):
        read(sign(make_claims(**changes)))


def test_nobody_else_can_sign() -> None:
    with pytest.raises(IdTokenInvalid):
        read(sign(make_claims(), STRANGER))
    with pytest.raises(IdTokenInvalid):
        read(sign_by_published_key(make_claims()))
    head, body, signature = sign(make_claims()).split(".")
    other_body = sign(make_claims(sub="1078")).split(".")[1]
    none = "eyJhbGciOiJub25lIiwia2lkIjoib25lIn0"
    for token in (
        f"{none}.{body}.",
        f"{none}.{body}.{signature}",
        f"{head}.{body}.",
        f"{head}.{other_body}.{signature}",
        "not.a.token",
        "nothing",
    ):
        with pytest.raises(IdTokenInvalid):
            read(token)


def test_no_word_is_no_identity() -> None:
    with pytest.raises(IdTokenInvalid):
        read("")


def test_a_key_that_is_not_published_is_asked_for_again() -> None:
    with pytest.raises(KeyUnknown):
        read(sign(make_claims(), kid="two"))
