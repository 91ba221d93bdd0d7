"""What every request may use, and who sends it."""

from dataclasses import dataclass
from typing import Annotated

from dramatiq.brokers.redis import RedisBroker
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from comfyhoused.api.keys import ApiKey, KeyMode, find_key
from comfyhoused.core.fleet.catalogues import CatalogueShelf
from comfyhoused.core.jobs.events import EventHub
from comfyhoused.kit.errors import Forbidden, Unauthenticated
from comfyhoused.resources import Resources


@dataclass(frozen=True, slots=True)
class ApiHouse:
    """The parts of the running API process."""

    resources: Resources
    hub: EventHub
    catalogues: CatalogueShelf
    broker: RedisBroker


@dataclass(frozen=True, slots=True)
class Principal:
    """Who sends a request. Live and test data of an account never mix."""

    account: str
    mode: KeyMode
    plan: str
    scopes: tuple[str, ...]

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


async def get_principal(house: House, credentials: _Credentials) -> Principal:
    """Return who sends the request; raises KeyMissing or KeyUnknown."""
    challenge = {"WWW-Authenticate": 'Bearer realm="comfyhouse"'}
    if credentials is None:
        raise KeyMissing("Send `Authorization: Bearer sk_live_…`.", headers=challenge)
    try:
        key = await find_key(house.resources.store, credentials.credentials)
    except Unauthenticated as error:
        error.headers.update(challenge)
        raise
    return make_principal(key)


def make_principal(key: ApiKey) -> Principal:
    """Return the principal that a key stands for."""
    return Principal(key.account, key.mode, key.plan, key.scopes)


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
