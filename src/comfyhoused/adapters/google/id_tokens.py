"""Checks Google's word on who somebody is: signature, issuer, audience, time, nonce."""

from collections.abc import Mapping
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from comfyhoused.adapters.google.account_errors import IdTokenInvalid
from comfyhoused.adapters.google.grants import Grant, Identity

_GOOGLE = "https://accounts.google.com"
#: Never what a token or a document says: neither may choose how it is checked.
_ALGORITHMS = ["RS256", "ES256"]
_LEEWAY_SECONDS = 60


class KeyUnknown(Exception):
    """The token was signed with a key that is not among these: they may have been changed."""


def read_identity(
    grant: Grant, keys: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str
) -> Identity:
    """Return whom the grant's ID token names; raises IdTokenInvalid, KeyUnknown."""
    if not grant.id_token:
        raise IdTokenInvalid("Google did not say who you are.")
    try:
        key_set = KeySet.import_key_set(dict(keys))  # type: ignore[arg-type]
        token = jwt.decode(grant.id_token, key_set, algorithms=_ALGORITHMS)
        options = {
            "iss": {"essential": True, "values": _list_issuers(issuer)},
            "aud": {"essential": True, "value": client_id},
            "nonce": {"essential": True, "value": nonce},
        }
        known = {"nonce": nonce, "client_id": client_id, "access_token": grant.access_token}
        claims = CodeIDToken(token.claims, token.header, options, known)
        claims.validate(leeway=_LEEWAY_SECONDS)
    except InvalidKeyIdError as error:
        raise KeyUnknown from error
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise IdTokenInvalid(f"Google's answer does not hold: {type(error).__name__}.") from error
    return _read(claims)


def _read(claims: Mapping[str, Any]) -> Identity:
    sub, email = claims.get("sub"), claims.get("email")
    if not isinstance(sub, str) or not sub:
        raise IdTokenInvalid("Google did not say who you are.")
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        raise IdTokenInvalid("Google has not confirmed the mail address of this account.")
    return Identity(sub, email, str(claims.get("name", "")))


def _list_issuers(issuer: str) -> list[str]:
    """Google writes itself with and without its scheme."""
    return [issuer, "accounts.google.com"] if issuer == _GOOGLE else [issuer]
