"""What every request may use, and who sends it."""

from dataclasses import dataclass
from typing import Annotated, Literal

from dramatiq.brokers.redis import RedisBroker
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection

from comfyhoused.api.key_check import find_key
from comfyhoused.api.key_records import Holder
from comfyhoused.api.key_secrets import KeyMode
from comfyhoused.api.plans import PlanBook
from comfyhoused.api.rates import limit_rate
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

    `key_id` is empty where a person works through our pages.
    """

    account: str
    mode: KeyMode
    plan: str
    scopes: tuple[str, ...]
    key_id: str = ""
    spend_cap_cents: int | None = None
    stopped_reason: str | None = None
    origin: Origin = "page"

    @property
    def owner(self) -> str:
        """The owner of this principal's jobs and files."""
        suffix = "" if self.mode == "live" else ":test"
        return f"account:{self.account}{suffix}"


class KeyMissing(Unauthenticated):
    """No `Authorization: Bearer …` header was sent."""

    code = "key_missing"
    title = "An API key is needed"


class ScopeMissing(Forbidden):
    """The key is valid but was not made for this."""

    code = "scope_missing"
    title = "This key was not made for that"


_bearer = HTTPBearer(
    auto_error=False, scheme_name="API key", description="`Authorization: Bearer sk_live_…`"
)


async def get_house(request: Request) -> ApiHouse:
    """Return the parts of this process. Async: FastAPI sends plain functions to a thread."""
    house: ApiHouse = request.app.state.house
    return house


House = Annotated[ApiHouse, Depends(get_house)]
_Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def get_principal(
    house: House, connection: HTTPConnection, credentials: _Credentials
) -> Principal:
    """Return who sends the request and count it; raises KeyMissing, KeyUnknown, RateLimited."""
    challenge = {"WWW-Authenticate": 'Bearer realm="comfyhouse"'}
    if credentials is None:
        raise KeyMissing("Send `Authorization: Bearer sk_live_…`.", headers=challenge)
    try:
        holder = await find_key(house.resources.store, credentials.credentials)
    except Unauthenticated as error:
        error.headers.update(challenge)
        raise
    principal = make_principal(holder)
    plan = house.plans.get(principal.plan)
    await limit_rate(connection, house.resources.store, principal.owner, plan)
    return principal


def make_principal(holder: Holder, origin: Origin = "key") -> Principal:
    """Return the principal that a key stands for."""
    key, account = holder
    return Principal(
        account=account.id,
        mode=key.mode,
        plan=account.plan,
        scopes=key.scopes,
        key_id=key.id,
        spend_cap_cents=account.spend_cap_cents,
        stopped_reason=account.stopped_reason,
        origin=origin,
    )


class RequireScope:
    """A dependency: the principal, if its key has the scope."""

    def __init__(self, scope: str) -> None:
        self._scope = scope

    async def __call__(self, principal: Annotated[Principal, Depends(get_principal)]) -> Principal:
        """Return the principal; raises ScopeMissing."""
        if self._scope not in principal.scopes:
            raise ScopeMissing(f"The key needs the scope {self._scope}.")
        return principal


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
