"""`comfyhoused accounts`: the API's customers, as whoever runs the house sees them."""

from typing import Annotated

import typer

from comfyhoused.adapters.redis.client import Store
from comfyhoused.api.accounts import (
    Account,
    get_account,
    list_accounts,
    resume_account,
    set_plan,
    stop_account,
)
from comfyhoused.api.mailboxes import read_mailbox
from comfyhoused.api.sign_in_links import GOOD_FOR_SECONDS, create_link
from comfyhoused.api.sign_up import create_account_for
from comfyhoused.cli_store import check_plan, fail, load_settings, with_store

_Id = Annotated[str, typer.Argument(help="the account, as `accounts list` shows it")]

accounts = typer.Typer(no_args_is_help=True, help="Accounts: list, create, plan, stop, resume.")


@accounts.command("list")
def show() -> None:
    """List all accounts, newest first."""
    for account in with_store(list_accounts):
        typer.echo(_describe(account))


@accounts.command()
def create(
    email: Annotated[str, typer.Argument(help="whoever reads this mailbox signs in")],
    plan: Annotated[str, typer.Option(help="the plan of the account")] = "free",
) -> None:
    """Open an account, also where nobody may open one alone."""
    check_plan(plan)
    mailbox = read_mailbox(email)
    account, is_new = with_store(lambda store: create_account_for(store, mailbox, plan=plan))
    if not is_new:
        fail(f"{account.email} has the account {account.id} already.")
    typer.echo(account.id)


@accounts.command()
def plan(account: _Id, name: Annotated[str, typer.Argument(help="the new plan")]) -> None:
    """Put an account on another plan, at once."""
    check_plan(name)
    typer.echo(_describe(with_store(lambda store: set_plan(store, account, name))))


@accounts.command()
def stop(
    account: _Id,
    reason: Annotated[str, typer.Option(help="the customer is told")] = "",
) -> None:
    """Take no new work of an account; what it has stays readable."""
    typer.echo(_describe(with_store(lambda store: stop_account(store, account, reason))))


@accounts.command()
def resume(account: _Id) -> None:
    """Take an account's work again."""
    typer.echo(_describe(with_store(lambda store: resume_account(store, account))))


@accounts.command()
def link(account: _Id) -> None:
    """Print a link that signs a browser in as the account, once; for a house without mail."""

    async def make(store: Store) -> str:
        known = await get_account(store, account)
        return await create_link(store, account=known.id)

    token = with_store(make)
    typer.echo(f"It works once, for {GOOD_FOR_SECONDS // 60} minutes:", err=True)
    typer.echo(f"{load_settings().http.base_url}/console/sign-in/{token}")


def _describe(account: Account) -> str:
    created = account.created_at.strftime("%Y-%m-%d")
    stopped = f"stopped: {account.stopped_reason}" if account.stopped_reason else ""
    line = f"{account.id:<22} {created}  {account.plan:<9} {account.email}  {stopped}"
    return line.rstrip()
