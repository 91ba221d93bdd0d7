"""What the API reads and answers about keys, client tokens and the account."""

from datetime import datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from comfyhoused.api.key_records import SCOPES, ApiKey, Scope

LONGEST_OVERLAP_HOURS = 168
LONGEST_TOKEN_SECONDS = 3600
TokenScope = Literal["jobs:write", "jobs:read", "files:write", "files:read"]
TOKEN_SCOPES: tuple[TokenScope, ...] = get_args(TokenScope)
Mode = Literal["live", "test"]
_Name = Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Origin = Annotated[
    str,
    Field(
        max_length=200, pattern=r"^https?://[a-z0-9.:\[\]-]+$", examples=["https://shop.example"]
    ),
]

_KEY: dict[str, Any] = {
    "key_id": "key_7w2k9m4q8r1t5v3x",
    "name": "Shop backend",
    "mode": "live",
    "scopes": ["jobs:write", "jobs:read", "files:write", "files:read"],
    "created_at": "2026-11-22T10:00:00Z",
    "expires_at": None,
    "last_used_at": "2026-11-22T10:31:12Z",
    "revoked_at": None,
    "replaced_by": None,
}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewKeyRequest(_Body):
    """A key to be made. It can do no more than the key that makes it, and lasts no longer."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"name": "Shop backend", "scopes": ["jobs:write", "jobs:read"]}]
        },
    )

    name: _Name = Field("", description="where you will use it")
    mode: Mode | None = Field(None, description="default: as the key that makes it")
    scopes: list[Scope] | None = Field(
        None,
        min_length=1,
        max_length=len(SCOPES),
        description="default: all of the maker's but those about keys",
    )
    expires_at: AwareDatetime | None = Field(
        None, description="from then on it opens nothing; default: it does not expire"
    )


class RotateKeyRequest(_Body):
    """How a key is replaced."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"overlap_hours": 24}]}
    )

    overlap_hours: float = Field(
        24, ge=0, le=LONGEST_OVERLAP_HOURS, description="so long the old key works beside the new"
    )


class KeyResponse(BaseModel):
    """What is known of a key; its secret is shown once only, when it is made."""

    model_config = ConfigDict(json_schema_extra={"examples": [_KEY]})

    key_id: str
    name: str
    mode: Mode
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="to the minute")
    revoked_at: datetime | None
    replaced_by: str | None = Field(description="the key that was made by rotating this one")


class NewKeyResponse(KeyResponse):
    """A new key with its secret."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_KEY, "secret": "sk_live_…"}]})

    secret: str = Field(description="copy it now: it cannot be shown again")


class KeyList(BaseModel):
    """The keys of the account, newest first; those over for 30 days are left out."""

    keys: list[KeyResponse]


class ClientTokenRequest(_Body):
    """What a browser may do with the token, and for how long."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "expires_in_seconds": 600,
                    "allowed_origins": ["https://shop.example"],
                    "max_jobs": 5,
                }
            ]
        },
    )

    expires_in_seconds: int = Field(900, ge=1, le=LONGEST_TOKEN_SECONDS)
    scopes: list[TokenScope] | None = Field(
        None,
        min_length=1,
        max_length=len(TOKEN_SCOPES),
        description="default: jobs and files, as far as the key may",
    )
    allowed_origins: list[_Origin] = Field(
        [], max_length=10, description="pages that may use it; none: any page"
    )
    max_jobs: int | None = Field(None, ge=1, le=10_000, description="jobs it may submit in all")
    max_units: int | None = Field(None, ge=1, le=1_000_000, description="units it may spend in all")


class ClientTokenResponse(BaseModel):
    """A token for a browser. It ends by itself, and with the key that made it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "client_token": "ct_…",
                    "expires_at": "2026-11-22T10:15:00Z",
                    "scopes": list(TOKEN_SCOPES),
                }
            ]
        }
    )

    client_token: str
    expires_at: datetime
    scopes: list[str]


class AccountPlan(BaseModel):
    """The plan of the account."""

    name: str = Field(examples=["pro"])
    title: str = Field(examples=["Pro"])


class AccountResponse(BaseModel):
    """Who you are here, and with which key."""

    account_id: str
    email: str | None
    plan: AccountPlan
    created_at: datetime
    spend_cap_cents: int | None
    stopped_reason: str | None = Field(description="set: no new work is taken")
    mode: Mode
    key: KeyResponse


def render_key(key: ApiKey) -> KeyResponse:
    """Return a key as the API shows it."""
    return KeyResponse(**_list_facts(key))


def render_new_key(key: ApiKey, secret: str) -> NewKeyResponse:
    """Return a key that was made just now, with its secret."""
    return NewKeyResponse(**_list_facts(key), secret=secret)


def _list_facts(key: ApiKey) -> dict[str, Any]:
    return {
        "key_id": key.id,
        "name": key.name,
        "mode": key.mode,
        "scopes": list(key.scopes),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
        "replaced_by": key.replaced_by,
    }
