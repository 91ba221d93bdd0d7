"""/keys: the account's keys, made, looked at, rotated and revoked by another key."""

from fastapi import APIRouter, Response

from comfyhoused.api.documented_problems import BODY_PROBLEMS, NOT_FOUND, PROBLEMS
from comfyhoused.api.house import ApiHouse, House, KeyReader, KeyWriter, Principal
from comfyhoused.api.key_grants import (
    check_lasting,
    check_mode,
    check_scopes,
    choose_expiry,
    choose_scopes,
)
from comfyhoused.api.key_records import ApiKey, KeyNotFound
from comfyhoused.api.key_schemas import (
    KeyList,
    KeyResponse,
    NewKeyRequest,
    NewKeyResponse,
    RotateKeyRequest,
    render_key,
    render_new_key,
)
from comfyhoused.api.keys import (
    MOST_KEYS,
    create_key,
    find_account_key,
    list_account_keys,
    revoke_key,
    rotate_key,
)

router = APIRouter(prefix="/keys", tags=["Keys"], responses=PROBLEMS)

_NO_STORE = {"Cache-Control": "no-store"}


@router.post("", status_code=201, responses=BODY_PROBLEMS)
async def create_my_key(
    house: House, principal: KeyWriter, body: NewKeyRequest, response: Response
) -> NewKeyResponse:
    """Make a key. It may do no more than the key that makes it, and lasts no longer."""
    mode = body.mode or principal.mode
    check_mode(principal, mode)
    store = house.resources.store
    maker = await find_account_key(store, principal.account, principal.key_id)
    key, secret = await create_key(
        store,
        account=principal.account,
        mode=mode,
        name=body.name.strip(),
        scopes=choose_scopes(principal, body.scopes),
        expires_at=choose_expiry(maker, body.expires_at),
        most=MOST_KEYS,
    )
    response.headers.update(_NO_STORE)
    response.headers["Location"] = f"/api/v1/keys/{key.id}"
    return render_new_key(key, secret)


@router.get("")
async def list_my_keys(house: House, principal: KeyReader) -> KeyList:
    """List the keys of the account, newest first. A test key sees test keys only."""
    keys = await list_account_keys(house.resources.store, principal.account)
    return KeyList(keys=[render_key(key) for key in keys if _is_in_sight(principal, key)])


@router.get("/{key_id}", responses=NOT_FOUND)
async def get_my_key(house: House, principal: KeyReader, key_id: str) -> KeyResponse:
    """Show one key."""
    return render_key(await _get(house, principal, key_id))


@router.post("/{key_id}/rotate", status_code=201, responses={**BODY_PROBLEMS, **NOT_FOUND})
async def rotate_my_key(
    house: House,
    principal: KeyWriter,
    key_id: str,
    response: Response,
    body: RotateKeyRequest | None = None,
) -> NewKeyResponse:
    """Replace a key by a new one that may do the same; the old one works a while longer.

    Put the new secret in place within `overlap_hours`; nothing is refused meanwhile.
    """
    old = await _get(house, principal, key_id)
    check_scopes(principal, old.scopes)
    hours = (body or RotateKeyRequest()).overlap_hours
    store = house.resources.store
    check_lasting(await find_account_key(store, principal.account, principal.key_id), old)
    key, secret = await rotate_key(
        store, principal.account, old.id, overlap_seconds=round(hours * 3600)
    )
    response.headers.update(_NO_STORE)
    response.headers["Location"] = f"/api/v1/keys/{key.id}"
    return render_new_key(key, secret)


@router.delete("/{key_id}", status_code=204, responses=NOT_FOUND)
async def revoke_my_key(house: House, principal: KeyWriter, key_id: str) -> None:
    """Revoke a key: it opens nothing from now on, nor do client tokens it has made."""
    key = await _get(house, principal, key_id)
    await revoke_key(house.resources.store, key.id, account=principal.account)


async def _get(house: ApiHouse, principal: Principal, key_id: str) -> ApiKey:
    key = await find_account_key(house.resources.store, principal.account, key_id)
    if key is None or not _is_in_sight(principal, key):
        raise KeyNotFound(f"No key {key_id[:64]!r}.")
    return key


def _is_in_sight(principal: Principal, key: ApiKey) -> bool:
    return principal.mode == "live" or key.mode == "test"
