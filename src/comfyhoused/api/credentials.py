"""What a request shows to be let in: a secret key, or a client token in a browser."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from comfyhoused.api.client_tokens import ClientToken, looks_like_token, read_client_token
from comfyhoused.api.key_check import KeyUnknown, find_key, find_key_of_token
from comfyhoused.api.key_records import Holder
from comfyhoused.api.key_secrets import is_well_formed
from comfyhoused.kit.errors import Forbidden
from comfyhoused.resources import Resources


class KeyInBrowser(Forbidden):
    """A live key was sent by a page in a browser, where anybody can read it.

    Whoever opens that page can take the key and spend your money. Revoke it and give the page
    client tokens instead. Test keys are let through: they can spend nothing.
    """

    code = "key_in_browser"
    title = "A secret key does not belong in a browser"


class OriginRefused(Forbidden):
    """The client token was made for other pages than the one that sent it."""

    code = "origin_refused"
    title = "This client token was not made for that page"


@dataclass(frozen=True, slots=True)
class Credential:
    """The key behind a request, and the client token where one was shown."""

    holder: Holder
    token: ClientToken | None


async def read_credential(
    resources: Resources, connection: HTTPConnection, shown: str
) -> Credential:
    """Return what a request was let in with; raises KeyUnknown, KeyInBrowser, OriginRefused."""
    origin = connection.headers.get("origin")
    if not looks_like_token(shown):
        if shown.startswith("sk_live_") and _is_foreign(resources, connection, origin):
            raise KeyInBrowser("Revoke this key, and have your server make client tokens.")
        return Credential(await find_key(resources.store, shown), None)
    secret = resources.settings.house.secret.get_secret_value().encode()
    token = read_client_token(secret, shown)
    if token.origins and (origin or "").lower() not in token.origins:
        raise OriginRefused(f"It was made for {', '.join(token.origins)}.")
    return Credential(await find_key_of_token(resources.store, token.key_id), token)


async def read_credential_of_address(
    resources: Resources, connection: HTTPConnection, shown: str
) -> Credential:
    """As read_credential, for what stands in the address: a client token, never a key.

    Addresses are written into logs and histories. A client token there is soon worth nothing.
    """
    if not looks_like_token(shown):
        raise KeyUnknown("Only a client token may stand in an address.")
    return await read_credential(resources, connection, shown)


def looks_like_credential(shown: str) -> bool:
    """Tell whether the text can be a key or a token at all."""
    return is_well_formed(shown) or looks_like_token(shown)


def _is_foreign(resources: Resources, connection: HTTPConnection, origin: str | None) -> bool:
    """Tell whether a page of another address sent the request; programs name no origin."""
    if origin is None:
        return False
    own = {connection.headers.get("host"), urlsplit(resources.settings.http.base_url).netloc}
    return urlsplit(origin).netloc not in own
