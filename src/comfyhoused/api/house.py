"""What every request may use, and who sends it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from dramatiq.brokers.redis import RedisBroker
from fastapi import Depends, Request
from fastapi.security import APIKeyQuery, HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection

from comfyhoused.api.client_tokens import CLIENT_OPERATIONS, ClientToken, TokenTooNarrow
from comfyhoused.api.credentials import (
    Credential,
    read_credential,
    read_credential_of_address,
)
from comfyhoused.api.key_secrets import KeyMode
from comfyhoused.api.operations import get_operation
from comfyhoused.api.plans import PlanBook
from comfyhoused.api.rates import limit_rate
from comfyhoused.api.trials import HEADER, read_trial
from comfyhoused.core.fleet.catalogues import CatalogueShelf
from comfyhoused.core.jobs.events import EventHub
from comfyhoused.core.workflows.model_book import ModelBook
from comfyhoused.kit.errors import Forbidden, Unauthenticated
from comfyhoused.resources import Resources


@dataclass(frozen=True, slots=True)
class ApiHouse:
    """The parts of the running API process."""

    resources: Resources
    hub: EventHub
    catalogues: CatalogueShelf
    broker: RedisBroker
    plans: PlanBook
    models: ModelBook


#: How a request came in: with a secret key, a browser's client token, or through our pages.
Origin = Literal["key", "client_token", "page"]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who sends a request. Live and test data of an account never mix.

    `key_id` is empty where a person works through our pages; `token` is what a browser sent;
    `trial` is what a test is to make of its jobs.
    """

    account: str
    mode: KeyMode
    plan: str
    scopes: tuple[str, ...]
    key_id: str = ""
    spend_cap_cents: int | None = None
    stopped_reason: str | None = None
    origin: Origin = "page"
    token: ClientToken | None = None
    trial: str = ""

    @property
    def owner(self) -> str:
        """The owner of this principal's jobs and files."""
        suffix = "" if self.mode == "live" else ":test"
        return f"account:{self.account}{suffix}"


class KeyMissing(Unauthenticated):
    """No `Authorization: Bearer …` header was sent."""

    code = "key_missing"
    title = "An API key is needed"


class AccountStopped(Forbidden):
    """The account was stopped by whoever runs this house: no new work is taken."""

    code = "account_stopped"
    title = "This account was stopped"


class ScopeMissing(Forbidden):
    """The key is valid but was not made for this."""

    code = "scope_missing"
    title = "This key was not made for that"


_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="API key",
    description="`Authorization: Bearer sk_live_…`, or `ct_…`: a client token, in a browser",
)
#: EventSource, which browsers follow a job with, cannot send headers.
_in_address = APIKeyQuery(
    name="token",
    auto_error=False,
    scheme_name="Client token",
    description="a client token, for `EventSource`",
)


async def get_house(request: Request) -> ApiHouse:
    """Return the parts of this process. Async: FastAPI sends plain functions to a thread."""
    house: ApiHouse = request.app.state.house
    return house


House = Annotated[ApiHouse, Depends(get_house)]
_Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


_Token = Annotated[str | None, Depends(_in_address)]
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="comfyhouse"'}


async def get_principal(
    house: House, connection: HTTPConnection, credentials: _Credentials
) -> Principal:
    """Return who sends the request and count it; raises KeyMissing, KeyUnknown, RateLimited."""
    with _challenging():
        if credentials is None:
            raise KeyMissing("Send `Authorization: Bearer sk_live_…`.")
        found = await read_credential(house.resources, connection, credentials.credentials)
    return await _let_in(house, connection, found)


async def get_follower(
    house: House, connection: HTTPConnection, credentials: _Credentials, token: _Token
) -> Principal:
    """As get_principal, where a client token may stand in the address as well."""
    if token is None or credentials is not None:
        return await get_principal(house, connection, credentials)
    with _challenging():
        found = await read_credential_of_address(house.resources, connection, token)
    return await _let_in(house, connection, found)


async def _let_in(house: ApiHouse, connection: HTTPConnection, found: Credential) -> Principal:
    principal = make_principal(found)
    trial = read_trial(principal.mode, connection.headers.get(HEADER))
    principal = replace(principal, trial=trial)
    plan = house.plans.get(principal.plan)
    await limit_rate(connection, house.resources.store, principal.owner, plan)
    return principal


@contextmanager
def _challenging() -> Iterator[None]:
    """Have every 401 say what is asked for, as HTTP wants it."""
    try:
        yield
    except Unauthenticated as error:
        error.headers.update(_CHALLENGE)
        raise


def make_principal(found: Credential) -> Principal:
    """Return the principal that a key, or a client token of it, stands for."""
    key, account = found.holder
    scopes = key.scopes
    if found.token is not None:
        scopes = tuple(scope for scope in found.token.scopes if scope in key.scopes)
    return Principal(
        account=account.id,
        mode=key.mode,
        plan=account.plan,
        scopes=scopes,
        key_id=key.id,
        spend_cap_cents=account.spend_cap_cents,
        stopped_reason=account.stopped_reason,
        origin="key" if found.token is None else "client_token",
        token=found.token,
    )


class RequireScope:
    """A dependency: the principal, if its key has the scope and its token suffices."""

    def __init__(self, scope: str) -> None:
        self._scope = scope

    async def __call__(
        self,
        connection: HTTPConnection,
        principal: Annotated[Principal, Depends(get_principal)],
    ) -> Principal:
        """Return the principal; raises TokenTooNarrow, ScopeMissing."""
        return check_scope(connection, principal, self._scope)


async def get_job_follower(
    connection: HTTPConnection, principal: Annotated[Principal, Depends(get_follower)]
) -> Principal:
    """Return who follows a job; raises TokenTooNarrow, ScopeMissing."""
    return check_scope(connection, principal, "jobs:read")


async def get_secret_key(
    connection: HTTPConnection, principal: Annotated[Principal, Depends(get_principal)]
) -> Principal:
    """Return the principal of any secret key; raises TokenTooNarrow."""
    _check_token(connection, principal)
    return principal


def check_scope(connection: HTTPConnection, principal: Principal, scope: str) -> Principal:
    """Return the principal; raises TokenTooNarrow, ScopeMissing."""
    _check_token(connection, principal)
    if scope not in principal.scopes:
        raise ScopeMissing(f"The key needs the scope {scope}.")
    return principal


def _check_token(connection: HTTPConnection, principal: Principal) -> None:
    if principal.token is not None and get_operation(connection) not in CLIENT_OPERATIONS:
        raise TokenTooNarrow("A client token submits jobs and follows them by their ids.")


def check_may_work(principal: Principal) -> None:
    """Raise AccountStopped for an account whose new work is not taken."""
    if principal.stopped_reason is not None:
        raise AccountStopped(f"{principal.stopped_reason} What you have stays readable.")


JobWriter = Annotated[Principal, Depends(RequireScope("jobs:write"))]
JobReader = Annotated[Principal, Depends(RequireScope("jobs:read"))]
FileWriter = Annotated[Principal, Depends(RequireScope("files:write"))]
FileReader = Annotated[Principal, Depends(RequireScope("files:read"))]
UsageReader = Annotated[Principal, Depends(RequireScope("usage:read"))]
WorkflowWriter = Annotated[Principal, Depends(RequireScope("workflows:write"))]
WorkflowReader = Annotated[Principal, Depends(RequireScope("workflows:read"))]
WebhookWriter = Annotated[Principal, Depends(RequireScope("webhooks:write"))]
WebhookReader = Annotated[Principal, Depends(RequireScope("webhooks:read"))]
KeyWriter = Annotated[Principal, Depends(RequireScope("keys:write"))]
KeyReader = Annotated[Principal, Depends(RequireScope("keys:read"))]
JobFollower = Annotated[Principal, Depends(get_job_follower)]
SecretKey = Annotated[Principal, Depends(get_secret_key)]
