"""/console/keys: make a key and see it once, rotate it with an overlap, revoke it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response

from comfyhoused.api.console.console_pages import redirect_to, render_console
from comfyhoused.api.console.form_faults import FormIncomplete
from comfyhoused.api.console.signed_in import SignedIn
from comfyhoused.api.key_records import DEFAULT_SCOPES, SCOPES, ApiKey, Scope
from comfyhoused.api.key_secrets import KeyMode
from comfyhoused.api.keys import (
    MOST_KEYS,
    create_key,
    list_account_keys,
    revoke_key,
    rotate_key,
)
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.errors import FieldError, Problem, make_problem

router = APIRouter(prefix="/console/keys", include_in_schema=False)

_LONGEST_NAME = 100
_LONGEST_DAYS = 366
_LONGEST_OVERLAP_HOURS = 168
_SCOPE_WORDS = {
    "jobs:write": "Run, cancel and erase jobs",
    "jobs:read": "See jobs, models and templates",
    "files:write": "Send in and delete files",
    "files:read": "See and fetch files",
    "usage:read": "See usage and the ledger",
    "workflows:write": "Register and delete workflows",
    "workflows:read": "See workflows",
    "webhooks:write": "Change webhooks, read their secrets",
    "webhooks:read": "See webhooks and deliveries",
    "keys:write": "Make, rotate and revoke keys",
    "keys:read": "See keys",
}


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as the table shows it."""

    key: ApiKey
    state: str
    words: str

    @property
    def is_live(self) -> bool:
        """Tell whether it opens anything now."""
        return self.state == "succeeded"

    @property
    def may(self) -> str:
        """What it may do, in few words."""
        scopes = set(self.key.scopes)
        if scopes == set(SCOPES):
            return "Everything"
        if scopes == set(DEFAULT_SCOPES):
            return "All but keys"
        return ", ".join(self.key.scopes)


@router.get("")
async def show_keys(member: SignedIn) -> Response:
    """Show the account's keys and the form for a new one."""
    return await _show(member)


@router.post("")
async def make_key(
    member: SignedIn,
    token: Annotated[str, Form()] = "",
    name: Annotated[str, Form()] = "",
    mode: Annotated[KeyMode, Form()] = "test",
    scopes: Annotated[list[str] | None, Form()] = None,
    days: Annotated[int, Form(ge=0, le=_LONGEST_DAYS)] = 0,
) -> Response:
    """Make a key and show it, this one time."""
    member.check_form(token)
    try:
        chosen = _check(name, scopes or [])
    except FormIncomplete as error:
        return await _show(member, problem=make_problem(error), name=name)
    made = await create_key(
        member.house.resources.store,
        account=member.account.id,
        mode=mode,
        name=name.strip(),
        scopes=chosen,
        expires_at=get_now() + timedelta(days=days) if days else None,
        most=MOST_KEYS,
    )
    return await _show(member, made=made)


@router.post("/{key_id}/rotate")
async def rotate(
    member: SignedIn,
    key_id: str,
    token: Annotated[str, Form()] = "",
    hours: Annotated[int, Form(ge=0, le=_LONGEST_OVERLAP_HOURS)] = 24,
) -> Response:
    """Make the key that replaces another, and show it, this one time."""
    member.check_form(token)
    made = await rotate_key(
        member.house.resources.store,
        member.account.id,
        key_id,
        overlap_seconds=hours * 3600,
    )
    return await _show(member, made=made, overlap_hours=hours)


@router.post("/{key_id}/revoke")
async def revoke(member: SignedIn, key_id: str, token: Annotated[str, Form()] = "") -> Response:
    """Make a key useless at once."""
    member.check_form(token)
    await revoke_key(member.house.resources.store, key_id, account=member.account.id)
    return redirect_to("/console/keys")


def _check(name: str, scopes: list[str]) -> list[Scope]:
    faults = []
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        detail = f"Give it a name of 1 to {_LONGEST_NAME} characters, so that you know it again."
        faults.append(FieldError(pointer="/name", detail=detail))
    chosen = [scope for scope in SCOPES if scope in scopes]
    if not chosen:
        faults.append(FieldError(pointer="/scopes", detail="Choose what the key may do."))
    if faults:
        raise FormIncomplete(faults[0]["detail"], errors=faults)
    return chosen


async def _show(
    member: SignedIn,
    *,
    made: tuple[ApiKey, str] | None = None,
    overlap_hours: int | None = None,
    problem: Problem | None = None,
    name: str = "",
) -> Response:
    keys = await list_account_keys(member.house.resources.store, member.account.id)
    faults = problem["errors"] if problem else []
    return render_console(
        member,
        "console/keys.html",
        nav="Keys",
        status_code=problem["status"] if problem else 200,
        rows=[_make_row(key) for key in keys],
        made=made[0] if made else None,
        secret=made[1] if made else "",
        overlap_hours=overlap_hours,
        scopes=[(scope, _SCOPE_WORDS[scope], scope in DEFAULT_SCOPES) for scope in SCOPES],
        faults={fault.get("pointer"): fault["detail"] for fault in faults},
        name=name,
    )


def _make_row(key: ApiKey) -> KeyRow:
    if key.revoked_at is not None:
        return KeyRow(key, "canceled", "Revoked")
    if key.expires_at is not None and key.expires_at <= get_now():
        return KeyRow(key, "expired", "Expired")
    if key.replaced_by is not None:
        return KeyRow(key, "running", "Replaced, works until then")
    return KeyRow(key, "succeeded", "Works")
