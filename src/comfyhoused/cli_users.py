"""`comfyhoused users`: Creator's customers, as whoever runs the house sees them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.cli_store import fail, load_settings
from comfyhoused.creator.opening import make_database
from comfyhoused.creator.plans import CreatorPlanBook
from comfyhoused.creator.schema import check_schema
from comfyhoused.creator.tables import User
from comfyhoused.creator.user_list import list_users, set_plan

Answer = TypeVar("Answer")

users = typer.Typer(no_args_is_help=True, help="Creator's users: list, plan.")


@users.command("list")
def show() -> None:
    """List all users, newest first."""
    for user in _with_database(list_users):
        typer.echo(_describe(user))


@users.command()
def plan(
    user: Annotated[str, typer.Argument(help="the user's id or e-mail address")],
    name: Annotated[str, typer.Argument(help="the new plan")],
) -> None:
    """Put a user on another plan, at once."""
    plans = CreatorPlanBook.load(load_settings().creator.creator_plans_file)
    if not plans.knows(name):
        fail(f"There is no plan {name!r}; there are {', '.join(one.name for one in plans)}.")
    changed = _with_database(lambda session: set_plan(session, user, name))
    if not changed:
        fail(f"No user has the id or address {user!r}: `comfyhoused users list`.")
    for one in changed:
        typer.echo(_describe(one))


def _with_database(action: Callable[[AsyncSession], Awaitable[Answer]]) -> Answer:
    """Run an action on Creator's database, in one transaction, and return what it returns."""

    async def run() -> Answer:
        database = make_database(load_settings())
        if database is None:
            fail("There is no Creator here: CH_DATABASE_URL names no Postgres.")
        try:
            await check_schema(database)
            async with database.begin() as session:
                return await action(session)
        finally:
            await database.aclose()

    return asyncio.run(run())


def _describe(user: User) -> str:
    created = user.created_at.strftime("%Y-%m-%d")
    return f"{user.id:<28} {created}  {user.plan:<9} {user.email}"
