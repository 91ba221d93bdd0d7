"""Client tokens: `ct_…`, for browsers that submit and follow jobs without the secret key.

A token carries what it may, signed with the house's secret; nothing of it is stored but how
much was used, where it has a limit. It ends by itself within the hour, and with its key.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass

import orjson

from comfyhoused.adapters.redis.client import Store
from comfyhoused.api.key_check import KeyUnknown
from comfyhoused.api.scripts import SCRIPTS
from comfyhoused.kit.clock import get_now_ms
from comfyhoused.kit.crypto import is_signature_valid, make_signature
from comfyhoused.kit.errors import Forbidden

_FORM = re.compile(r"ct_([A-Za-z0-9_-]{20,4000})\.([0-9a-f]{64})")
_PURPOSE = "client-token"

#: What a token can do at all, by the names of the operations: its own jobs and files, by their
#: ids. Nothing that lists: what it sees there would belong to the account's other customers.
CLIENT_OPERATIONS = frozenset(
    {
        "generate",
        "upscale",
        "submit_job",
        "get_job",
        "cancel_job",
        "follow_job",
        "estimate",
        "upload_file",
        "get_file",
        "get_file_content",
        "list_models",
        "list_samplers",
        "list_templates",
        "get_template",
        "run_workflow",
    }
)


class TokenSpent(Forbidden):
    """The client token has submitted as many jobs, or spent as many units, as it may."""

    code = "client_token_spent"
    title = "This client token is used up"


class TokenTooNarrow(Forbidden):
    """That needs a secret key: a client token submits and follows its own jobs, no more."""

    code = "secret_key_needed"
    title = "That needs a secret key"


@dataclass(frozen=True, slots=True)
class ClientToken:
    """What a token says. An empty list of origins: any page may use it; None: no limit."""

    id: str
    key_id: str
    scopes: tuple[str, ...]
    expires_ms: int
    origins: tuple[str, ...] = ()
    max_jobs: int | None = None
    max_units: int | None = None


def looks_like_token(text: str) -> bool:
    """Tell whether the text has the form of a client token."""
    return _FORM.fullmatch(text) is not None


def write_client_token(secret: bytes, token: ClientToken) -> str:
    """Return the token as a browser holds it."""
    payload = urlsafe_b64encode(orjson.dumps(asdict(token))).decode().rstrip("=")
    return f"ct_{payload}.{make_signature(secret, _sign(payload))}"


def read_client_token(secret: bytes, text: str) -> ClientToken:
    """Return what a token says; raises KeyUnknown for a foreign or an expired one."""
    match = _FORM.fullmatch(text)
    if match is None or not is_signature_valid(secret, _sign(match[1]), match[2]):
        raise KeyUnknown("This client token was not made here, or was cut.")
    try:
        fields = orjson.loads(urlsafe_b64decode(match[1] + "=" * (-len(match[1]) % 4)))
    except (NotBase64, orjson.JSONDecodeError) as error:
        raise KeyUnknown("This client token cannot be read.") from error
    lists = {name: tuple(fields[name]) for name in ("scopes", "origins")}
    token = ClientToken(**{**fields, **lists})
    if token.expires_ms <= get_now_ms():
        raise KeyUnknown("This client token has expired. Have your server make another one.")
    return token


@dataclass(slots=True)
class Spending:
    """What a request takes of its token; given back unless it becomes a new job."""

    is_kept: bool = False


@asynccontextmanager
async def spending_token(
    store: Store, token: ClientToken | None, units: int
) -> AsyncIterator[Spending]:
    """Count one job and its units against a token's limits, of all racing requests together.

    Raises TokenSpent. Whoever leaves without having set `is_kept` gets both back.
    """
    spending = Spending()
    if token is None or (token.max_jobs is None and token.max_units is None):
        yield spending
        return
    await _spend(store, token, 1, units)
    try:
        yield spending
    finally:
        if not spending.is_kept:
            await _spend(store, token, -1, -units)


async def _spend(store: Store, token: ClientToken, jobs: int, units: int) -> None:
    limits = [-1 if most is None else most for most in (token.max_jobs, token.max_units)]
    lasts_ms = max(1, token.expires_ms - get_now_ms())
    if not await SCRIPTS.run(store, "spend_token", token.id, *limits, jobs, units, lasts_ms):
        raise TokenSpent("Have your server make another client token.")


def _sign(payload: str) -> str:
    return f"{_PURPOSE}\x1f{payload}"
