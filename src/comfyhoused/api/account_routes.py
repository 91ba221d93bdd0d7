"""GET /account and POST /client-tokens: who you are, and letting a browser act for you."""

from fastapi import APIRouter, Response

from comfyhoused.api.accounts import get_account
from comfyhoused.api.client_tokens import ClientToken, write_client_token
from comfyhoused.api.documented_problems import BODY_PROBLEMS, NOT_FOUND, PROBLEMS
from comfyhoused.api.house import House, SecretKey
from comfyhoused.api.key_grants import check_scopes
from comfyhoused.api.key_records import KeyNotFound
from comfyhoused.api.key_schemas import (
    TOKEN_SCOPES,
    AccountPlan,
    AccountResponse,
    ClientTokenRequest,
    ClientTokenResponse,
    render_key,
)
from comfyhoused.api.keys import find_account_key
from comfyhoused.kit.clock import get_now_ms, make_instant
from comfyhoused.kit.ids import make_id

router = APIRouter(tags=["Account"], responses=PROBLEMS)


@router.get("/account", responses=NOT_FOUND)
async def get_my_account(house: House, principal: SecretKey) -> AccountResponse:
    """Show the account that the key belongs to, its plan, and the key itself."""
    store = house.resources.store
    account = await get_account(store, principal.account)
    key = await find_account_key(store, principal.account, principal.key_id)
    if key is None:
        raise KeyNotFound("This key was taken away just now.")
    plan = house.plans.get(account.plan)
    return AccountResponse(
        account_id=account.id,
        email=account.email or None,
        plan=AccountPlan(name=plan.name, title=plan.title),
        created_at=account.created_at,
        spend_cap_cents=account.spend_cap_cents,
        stopped_reason=account.stopped_reason,
        mode=principal.mode,
        key=render_key(key),
    )


@router.post("/client-tokens", status_code=201, responses=BODY_PROBLEMS)
async def create_client_token(
    house: House, principal: SecretKey, response: Response, body: ClientTokenRequest | None = None
) -> ClientTokenResponse:
    """Make a token with which a browser submits jobs and follows them, for an hour at most.

    It can do nothing but that: no listings, no keys. It ends with the key that made it.
    """
    wanted = body or ClientTokenRequest()
    if wanted.scopes is not None:
        check_scopes(principal, wanted.scopes)
    scopes = tuple(s for s in wanted.scopes or TOKEN_SCOPES if s in principal.scopes)
    token = ClientToken(
        id=make_id("token", 16),
        key_id=principal.key_id,
        scopes=scopes,
        expires_ms=get_now_ms() + wanted.expires_in_seconds * 1000,
        origins=tuple(wanted.allowed_origins),
        max_jobs=wanted.max_jobs,
        max_units=wanted.max_units,
    )
    secret = house.resources.settings.house.secret.get_secret_value().encode()
    response.headers["Cache-Control"] = "no-store"
    return ClientTokenResponse(
        client_token=write_client_token(secret, token),
        expires_at=make_instant(token.expires_ms),
        scopes=list(scopes),
    )
