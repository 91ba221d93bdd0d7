"""The door of a house without Creator: one plain page at all of its addresses.

It stands in for `creator.door`, so that a house that names no database for Creator does not load
the third of its code that needs one.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

from comfyhoused.kit.errors import NotFound
from comfyhoused.resources import Resources
from comfyhoused.web.plan_cards import PlanCard

router = APIRouter(include_in_schema=False)


class CreatorNotSetUp(NotFound):
    """This house has no database, so that its second door is closed."""

    code = "creator_not_set_up"
    title = "Creator is not set up here"

    def __init__(self) -> None:
        super().__init__("Whoever runs this house has to name a Postgres: CH_DATABASE_URL.")


def install_creator(app: FastAPI) -> None:
    """Answer at Creator's addresses that it is not set up."""
    app.include_router(router)


@asynccontextmanager
async def open_creator(resources: Resources) -> AsyncIterator[None]:
    """Yield None: there is nothing to open."""
    yield None


async def wait_for_schema(house: None) -> None:
    """Return at once: no database is waited for."""


def list_plan_cards(house: None) -> list[PlanCard]:
    """Return the plans that anybody may choose: none."""
    return []


@router.api_route("/creator", methods=["GET", "POST"])
@router.api_route("/creator/{path:path}", methods=["GET", "POST"])
async def refuse(path: str = "") -> None:
    """Say that Creator is not set up here."""
    raise CreatorNotSetUp
