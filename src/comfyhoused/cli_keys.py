"""`comfyhoused keys`: API keys, made and ended by whoever runs the house."""

import re
from datetime import timedelta
from typing import Annotated

import typer

from comfyhoused.adapters.redis.client import Store
from comfyhoused.api.accounts import list_accounts
from comfyhoused.api.key_records import DEFAULT_SCOPES, SCOPES, ApiKey
from comfyhoused.api.key_secrets import KeyMode
from comfyhoused.api.keys import create_key, list_keys, revoke_key, rotate_key
from comfyhoused.cli_store import check_plan, fail, with_store
from comfyhoused.kit.clock import get_now

# No colon: it separates the parts of an owner's name, and of what is kept under that.
_ACCOUNT = re.compile(r"[A-Za-z0-9._@-]{1,100}")
_KeyId = Annotated[str, typer.Argument(help="key_…, as `keys list` shows it")]

keys = typer.Typer(no_args_is_help=True, help="API keys: make, list, rotate, revoke.")


@keys.command("create")
def create(
    account: Annotated[str, typer.Option(help="the customer it belongs to")] = "default",
    name: Annotated[str, typer.Option(help="what it is for")] = "",
    plan: Annotated[str, typer.Option(help="the plan of an account that is made now")] = "free",
    test: Annotated[bool, typer.Option("--test", help="a free key for the sandbox")] = False,
    scopes: Annotated[
        str, typer.Option(help="comma separated; `all`; default: all but those about keys")
    ] = "",
    days: Annotated[int, typer.Option(min=0, help="it expires after so many; 0: never")] = 0,
) -> None:
    """Make a key and print it; it is shown this once."""
    if not _ACCOUNT.fullmatch(account):
        fail("An account's name is 1 to 100 letters, digits or . _ - @")
    check_plan(plan)
    mode: KeyMode = "test" if test else "live"
    chosen = _read_scopes(scopes)
    expires_at = get_now() + timedelta(days=days) if days else None
    key, secret = with_store(
        lambda store: create_key(
            store,
            account=account,
            mode=mode,
            name=name,
            plan=plan,
            scopes=chosen,
            expires_at=expires_at,
        )
    )
    _show_once(key, secret)


@keys.command("list")
def show() -> None:
    """List all keys, newest first."""
    for line in with_store(_list_key_lines):
        typer.echo(line)


@keys.command()
def rotate(
    key_id: _KeyId,
    hours: Annotated[float, typer.Option(min=0, help="so long the old key works as well")] = 24,
) -> None:
    """Replace a key by one that may do the same."""

    async def replace(store: Store) -> tuple[ApiKey, str]:
        known = {key.id: key for key in await list_keys(store)}
        account = known[key_id].account if key_id in known else ""
        return await rotate_key(store, account, key_id, overlap_seconds=round(hours * 3600))

    _show_once(*with_store(replace))


@keys.command()
def revoke(key_id: _KeyId) -> None:
    """Make a key useless from now on."""
    key = with_store(lambda store: revoke_key(store, key_id))
    typer.echo(f"{key.id} is revoked.")


def _read_scopes(text: str) -> tuple[str, ...]:
    if text in ("", "all"):
        return SCOPES if text else DEFAULT_SCOPES
    chosen = tuple(part.strip() for part in text.split(",") if part.strip())
    unknown = [scope for scope in chosen if scope not in SCOPES]
    if unknown or not chosen:
        fail(f"There is no scope {', '.join(unknown)}; there are {', '.join(SCOPES)}.")
    return chosen


def _show_once(key: ApiKey, secret: str) -> None:
    typer.echo(f"{key.id} for account {key.account}. It is shown this once:", err=True)
    typer.echo(secret)


async def _list_key_lines(store: Store) -> list[str]:
    plans = {account.id: account.plan for account in await list_accounts(store)}
    return [_describe_key(key, plans.get(key.account, "")) for key in await list_keys(store)]


def _describe_key(key: ApiKey, plan: str) -> str:
    is_over = key.expires_at is not None and key.expires_at <= get_now()
    state = "revoked" if key.revoked_at else "expired" if is_over else key.mode
    created = key.created_at.strftime("%Y-%m-%d")
    return f"{key.id}  {created}  {state:<8} {plan:<9} {key.account}  {key.name}".rstrip()
