"""Google as Creator holds it: connections to it, this house as its app, and the tokens' vault."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from comfyhoused.adapters.google.accounts import GoogleAccounts
from comfyhoused.kit.errors import Unavailable
from comfyhoused.kit.vault import Vault, VaultKeyInvalid, derive_key, read_key
from comfyhoused.resources import UnfitHouse
from comfyhoused.settings import GoogleSettings, Settings

_MOST_CONNECTIONS = 50


class GoogleNotSetUp(Unavailable):
    """This house is not known to Google yet, so that nobody can sign in or connect a Drive."""

    code = "google_not_set_up"
    title = "Nobody can sign in here yet"


@dataclass(frozen=True, slots=True)
class Google:
    """One per process. `http` may serve every user: tokens are in the calls, never in it."""

    settings: GoogleSettings
    http: httpx.AsyncClient
    vault: Vault
    known_as: GoogleAccounts | None

    @property
    def accounts(self) -> GoogleAccounts:
        """This house as an app that Google knows; raises GoogleNotSetUp."""
        if self.known_as is None:
            raise GoogleNotSetUp(
                "Whoever runs this house has to set CH_GOOGLE_CLIENT_ID and "
                "CH_GOOGLE_CLIENT_SECRET: docs/creator/google.md says how."
            )
        return self.known_as


@asynccontextmanager
async def open_google(settings: Settings) -> AsyncIterator[Google]:
    """Hold connections to Google for a process; raises UnfitHouse for keys that are none."""
    vault = make_vault(settings)
    limits = httpx.Limits(max_connections=_MOST_CONNECTIONS)
    tls = ssl.create_default_context()  # the system's certificates, as everywhere in the house
    async with httpx.AsyncClient(limits=limits, verify=tls, trust_env=False) as http:
        yield Google(settings.google, http, vault, _find_accounts(settings.google, http))


def make_vault(settings: Settings) -> Vault:
    """Return what seals tokens; raises UnfitHouse. Production names its keys (fitness.py)."""
    written = [key.get_secret_value() for key in settings.creator.vault_keys]
    secret = settings.house.secret.get_secret_value().encode()
    try:
        keys = [read_key(text) for text in written]
        return Vault(keys or [derive_key(secret, "comfyhouse vault")])
    except VaultKeyInvalid as error:
        raise UnfitHouse(f"CH_VAULT_KEYS: {error}.") from error


def _find_accounts(settings: GoogleSettings, http: httpx.AsyncClient) -> GoogleAccounts | None:
    client_id, secret = settings.google_client_id, settings.google_client_secret
    if client_id is None or secret is None:
        return None
    return GoogleAccounts(http, settings.google_issuer, client_id, secret.get_secret_value())
