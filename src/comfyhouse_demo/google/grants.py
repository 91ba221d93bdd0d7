"""What users have allowed an app: grants, the codes that tell of them, and tokens."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

from comfyhouse_demo.google.store import Store, make_token, now, read_json, write_json

_CODE_SECONDS = 600.0
_MOST_REFRESH_TOKENS = 100


@dataclass
class TokenRefusal(Exception):
    """What the token endpoint answers instead of tokens (RFC 6749, section 5.2)."""

    error: str
    description: str
    status: int = 400


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens that were handed out; `refresh` is '' where there is none."""

    access: str
    refresh: str
    scopes: list[str]
    sub: str


def find_grant(store: Store, sub: str, client: str) -> list[str]:
    """Return the scopes that the user has allowed the app."""
    row = store.find("SELECT scopes FROM grants WHERE sub = ? AND client = ?", sub, client)
    return [] if row is None else list(read_json(row["scopes"]))


def save_grant(store: Store, sub: str, client: str, scopes: list[str]) -> list[str]:
    """Add scopes to what the user has allowed; returns all of them."""
    together = list(dict.fromkeys([*find_grant(store, sub, client), *scopes]))
    store.run(
        "INSERT INTO grants (sub, client, scopes) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET scopes = excluded.scopes",
        sub,
        client,
        write_json(together),
    )
    return together


def end_grant(store: Store, sub: str, client: str) -> None:
    """Take back what the user has allowed: every token of it ends."""
    for table in ("grants", "tokens", "channels"):
        statement = f"DELETE FROM {table} WHERE sub = ? AND client = ?"  # noqa: S608
        store.run(statement, sub, client)


def make_code(store: Store, facts: dict[str, Any]) -> str:
    """Return a code that can be exchanged once, within ten minutes."""
    code = make_token("4/0", 40)
    store.insert("codes", code=code, facts=write_json(facts), until=now() + _CODE_SECONDS)
    return code


def take_code(store: Store, code: str, client: str, redirect_uri: str, verifier: str) -> Any:
    """Return the facts behind the code, which is used up; raises TokenRefusal."""
    row = store.find("SELECT * FROM codes WHERE code = ?", code)
    store.run("DELETE FROM codes WHERE code = ?", code)
    if row is None or row["until"] < now():
        raise TokenRefusal("invalid_grant", "Malformed auth code.")
    facts = read_json(row["facts"])
    if facts["client"] != client:
        raise TokenRefusal("invalid_grant", "The code was made for another client.")
    if facts["redirect_uri"] != redirect_uri:
        raise TokenRefusal("redirect_uri_mismatch", "Bad Request")
    challenge = facts["challenge"]
    if challenge and not hmac.compare_digest(challenge, _make_challenge(facts, verifier)):
        raise TokenRefusal("invalid_grant", "Invalid code verifier.")
    return facts


def make_tokens(
    store: Store,
    sub: str,
    client: str,
    scopes: list[str],
    life_seconds: float,
    *,
    is_offline: bool,
) -> Tokens:
    """Hand out an access token, and a refresh token where the app works offline."""
    access = _add_token(store, "access", sub, client, scopes, now() + life_seconds)
    refresh = ""
    if is_offline:
        refresh = _add_token(store, "refresh", sub, client, scopes, now() + 10**9)
        _drop_oldest(store, sub, client)
    return Tokens(access, refresh, scopes, sub)


def refresh_tokens(store: Store, token: str, client: str, life_seconds: float) -> Tokens:
    """Return a new access token; raises TokenRefusal where the grant has ended."""
    row = store.find(
        "SELECT * FROM tokens WHERE token = ? AND kind = 'refresh' AND client = ?", token, client
    )
    if row is None:
        raise TokenRefusal("invalid_grant", "Token has been expired or revoked.")
    scopes = list(read_json(row["scopes"]))
    return make_tokens(store, row["sub"], client, scopes, life_seconds, is_offline=False)


def revoke(store: Store, token: str) -> bool:
    """End the grant behind a token of either kind; False where there is no such token."""
    row = store.find("SELECT sub, client FROM tokens WHERE token = ?", token)
    if row is None:
        return False
    end_grant(store, row["sub"], row["client"])
    return True


def end_access_tokens(store: Store, sub: str) -> int:
    """End the user's access tokens at once, as if their time had come; returns how many."""
    return store.run("DELETE FROM tokens WHERE sub = ? AND kind = 'access'", sub)


def _add_token(
    store: Store, kind: str, sub: str, client: str, scopes: list[str], until: float
) -> str:
    token = make_token("ya29.demo-" if kind == "access" else "1//demo-", 32)
    store.insert(
        "tokens",
        token=token,
        kind=kind,
        sub=sub,
        client=client,
        scopes=write_json(scopes),
        until=until,
        made=now(),
    )
    return token


def _drop_oldest(store: Store, sub: str, client: str) -> None:
    """Keep a hundred refresh tokens: the oldest dies without a word."""
    store.run(
        "DELETE FROM tokens WHERE token IN (SELECT token FROM tokens WHERE kind = 'refresh'"
        " AND sub = ? AND client = ? ORDER BY rowid DESC LIMIT -1 OFFSET ?)",
        sub,
        client,
        _MOST_REFRESH_TOKENS,
    )


def _make_challenge(facts: dict[str, Any], verifier: str) -> str:
    if facts["challenge_method"] != "S256":
        return verifier
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
