"""Connecting a Google Drive: asked for apart from signing in, only what is needed, for lasting.

What the person has really allowed is read from Google's answer: boxes can be left unticked.
"""

from datetime import timedelta

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import func, null, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.adapters.google.grants import DRIVE, DRIVE_FILE, Grant, Identity
from comfyhoused.creator.connections import Tokens, open_tokens, seal_tokens
from comfyhoused.creator.flows import Flow, make_flow
from comfyhoused.creator.google import Google
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.next_page import check_next
from comfyhoused.creator.probing import probe_connection
from comfyhoused.creator.sign_in import get_callback_url, send_to_google
from comfyhoused.creator.tables import Connection, Delivery, Edit, Source
from comfyhoused.creator.visitors import SignedInUser, Visitor
from comfyhoused.kit.errors import Conflict, Forbidden, NotFound
from comfyhoused.kit.ids import make_id
from comfyhoused.web.forms import FormRefused

router = APIRouter(prefix="/creator/google", include_in_schema=False)

_IDENTITY = "openid email"


class DriveNotAllowed(Forbidden):
    """The person let us know who they are, but did not tick the box for Google Drive."""

    code = "drive_not_allowed"
    title = "The box for Google Drive was not ticked"


class NoLastingAccess(Conflict):
    """Google gave us access for an hour only, which is of no use for a watched folder."""

    code = "no_lasting_access"
    title = "Google let us in for a moment only"


class OtherAccount(Conflict):
    """The folders are in another Google account than the one that was chosen."""

    code = "other_google_account"
    title = "That was another Google account"


class ConnectionUnknown(NotFound):
    """The user has connected no such Drive."""

    code = "connection_unknown"
    title = "There is no such Google Drive of yours"


@router.get("/connect")
async def go_and_connect(visitor: SignedInUser, next: str = "", connection: str = "") -> Response:  # noqa: A002
    """Send the browser to Google to allow us the Drive; `connection`: the one to have again."""
    check_own_page(visitor)
    google = visitor.house.google
    known = await find_connection(visitor.house, visitor.user.id, connection)
    flow = make_flow("connect", check_next(next), visitor.user.id, known.id if known else "")
    url = await google.accounts.make_url(
        state=flow.state,
        verifier=flow.verifier,
        redirect_uri=get_callback_url(visitor.house),
        scope=f"{_IDENTITY} {get_scope(google)}",
        nonce=flow.nonce,
        access_type="offline",
        prompt="consent",
        include_granted_scopes="true",
        login_hint=known.email if known else visitor.user.email,
    )
    return send_to_google(visitor.request, visitor.house, flow, url)


async def finish_connecting(house: CreatorHouse, flow: Flow, code: str) -> Response:
    """Store what was allowed, and find out by trying what it is good for.

    Raises DriveNotAllowed, NoLastingAccess, OtherAccount, IdTokenInvalid.
    """
    accounts = house.google.accounts
    grant = await accounts.exchange(code, flow.verifier, get_callback_url(house))
    identity = await accounts.identify(grant, flow.nonce)
    if get_scope(house.google) not in grant.scopes:
        raise DriveNotAllowed(
            "Google asks with a box for each permission. Tick the one for Google Drive: without "
            "it we can neither see your photos nor bring the edited ones back."
        )
    async with house.database.begin() as session:
        expected = await session.get(Connection, flow.about) if flow.about else None
        if expected is not None and expected.google_sub != identity.sub:
            raise OtherAccount(
                f"Your folders are in the Drive of {expected.email}, but you have chosen "
                f"{identity.email}. Nothing was changed."
            )
        connection = await store_connection(session, house, flow.user_id, identity, grant)
    await probe_connection(house, connection.id)
    separator = "&" if "?" in flow.next else "?"
    return RedirectResponse(f"{flow.next}{separator}said=connected", status_code=303)


async def store_connection(
    session: AsyncSession, house: CreatorHouse, user_id: str, identity: Identity, grant: Grant
) -> Connection:
    """Store the tokens of a Drive, new or connected again; what waited for it goes on."""
    mine = (Connection.user_id == user_id) & (Connection.google_sub == identity.sub)
    known = await session.scalar(select(Connection).where(mine).with_for_update())
    refresh_token = grant.refresh_token
    if not refresh_token and known is not None and known.sealed_tokens:
        refresh_token = open_tokens(house.google.vault, known).refresh_token
    if not refresh_token:
        raise NoLastingAccess(
            "Try once more. If it happens again, remove us in your Google account, under "
            "third-party apps, first."
        )
    connection_id = known.id if known is not None else make_id("con")
    tokens = Tokens(access_token=grant.access_token, refresh_token=refresh_token)
    now = func.clock_timestamp()
    values = {
        "email": identity.email,
        "scopes": " ".join(sorted(grant.scopes)),
        "state": "connected",
        "sealed_tokens": seal_tokens(house.google.vault, connection_id, user_id, tokens),
        "expires_at": now + timedelta(seconds=grant.expires_in_seconds),
        "refreshed_at": now,
        "refreshing_until": None,
        "next_look_at": now,
        "misses": 0,
    }
    row = insert(Connection).values(
        id=connection_id,
        user_id=user_id,
        google_sub=identity.sub,
        mode="full" if DRIVE in grant.scopes else "per_file",
        **values,
    )
    stored = row.on_conflict_do_update(index_elements=["user_id", "google_sub"], set_=values)
    connection = (
        await session.scalars(
            stored.returning(Connection), execution_options={"populate_existing": True}
        )
    ).one()
    await go_on(session, connection.id)
    return connection


async def go_on(session: AsyncSession, connection_id: str) -> None:
    """Have everything that waited for a connection go on at once."""
    now = func.clock_timestamp()
    waiting = (Source.connection_id == connection_id) & (Source.state == "reconnect")
    await session.execute(
        update(Source).where(waiting).values(state="active", problem=null(), next_look_at=now)
    )
    its_sources = select(Source.id).where(Source.connection_id == connection_id).scalar_subquery()
    for table in (Edit, Delivery):
        is_due = table.source_id.in_(its_sources) & table.next_try_at.is_not(None)
        await session.execute(
            update(table)
            .where(is_due)
            .values(next_try_at=func.least(table.next_try_at, now))
            .execution_options(synchronize_session=False)
        )


def get_scope(google: Google) -> str:
    """Return what is asked for: the whole Drive, or what we make and are given."""
    return DRIVE if google.settings.google_full_drive else DRIVE_FILE


async def find_connection(
    house: CreatorHouse, user_id: str, connection_id: str
) -> Connection | None:
    """Return a connection of the user's; None where none is named. Raises ConnectionUnknown."""
    if not connection_id:
        return None
    async with house.database.begin() as session:
        connection = await session.get(Connection, connection_id)
    if connection is None or connection.user_id != user_id:
        raise ConnectionUnknown("It may have been disconnected.")
    return connection


def check_own_page(visitor: Visitor) -> None:
    """Raise FormRefused where another site has sent the browser here."""
    if visitor.request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise FormRefused("Begin on our own page.")
