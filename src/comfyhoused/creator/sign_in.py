"""Signing in with Google, and out.

The way: `/creator/sign-in` (says what will happen) → `/creator/auth/google` (off to Google)
→ `/creator/auth/callback` (`coming_back.py`) → `finish_sign_in` here → the page that was wanted.
"""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from comfyhoused.creator.flows import Flow, keep_flow, make_flow
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.next_page import HOME, WELCOME, check_next
from comfyhoused.creator.screens.pages import render_open
from comfyhoused.creator.sessions import COOKIE, create_session, end_session_of_cookie
from comfyhoused.creator.users import find_or_create_user
from comfyhoused.creator.visitors import AnyGuest, Guest
from comfyhoused.kit.errors import ComfyhouseError
from comfyhoused.settings import GoogleSettings

router = APIRouter(prefix="/creator", include_in_schema=False)

SCOPE = "openid email profile"
CALLBACK = "/creator/auth/callback"
_OWN_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@router.get("/sign-in")
async def show_sign_in(guest: AnyGuest, next: str = "") -> Response:  # noqa: A002
    """Say how to sign in; whoever has is led on."""
    if guest.user is not None:
        return RedirectResponse(check_next(next), status_code=303)
    return render_sign_in(guest, check_next(next))


@router.get("/auth/google")
async def go_to_google(guest: AnyGuest, next: str = "") -> Response:  # noqa: A002
    """Send the browser to Google to say who it is; raises GoogleNotSetUp, GoogleUnreachable."""
    if guest.user is not None:
        return RedirectResponse(check_next(next), status_code=303)
    if (elsewhere := _find_own_name(guest)) is not None:
        return RedirectResponse(elsewhere, status_code=303)
    google = guest.house.google
    flow = make_flow("sign_in", check_next(next))
    url = await google.accounts.make_url(
        state=flow.state,
        verifier=flow.verifier,
        redirect_uri=get_callback_url(guest.house),
        scope=SCOPE,
        nonce=flow.nonce,
        prompt="select_account",
    )
    return send_to_google(guest.request, guest.house, flow, url)


@router.post("/sign-out")
async def sign_out(guest: AnyGuest, token: Annotated[str, Form()] = "") -> Response:
    """Sign this browser out, for good: its cookie is worth nothing afterwards."""
    if guest.user is None:
        return RedirectResponse("/creator", status_code=303)
    guest.check_form(token)
    async with guest.house.database.begin() as session:
        await end_session_of_cookie(session, COOKIE.read(guest.request))
    response = RedirectResponse("/creator", status_code=303)
    COOKIE.set(response, guest.request, "")
    return response


async def finish_sign_in(request: Request, house: CreatorHouse, flow: Flow, code: str) -> Response:
    """Sign the browser in as whoever Google says it is; raises IdTokenInvalid, UserLeaving.

    It always gets a new session: one that it came with ends.
    """
    accounts = house.google.accounts
    grant = await accounts.exchange(code, flow.verifier, get_callback_url(house))
    identity = await accounts.identify(grant, flow.nonce)
    async with house.database.begin() as session:
        await end_session_of_cookie(session, COOKIE.read(request))
        user = await find_or_create_user(session, identity)
        agent = request.headers.get("user-agent", "")
        cookie = await create_session(session, user.id, agent)
    is_new = user.onboarded_at is None and flow.next == HOME
    response = RedirectResponse(WELCOME if is_new else flow.next, status_code=303)
    COOKIE.set(response, request, cookie)
    return response


def render_sign_in(guest: Guest, next_path: str, fault: ComfyhouseError | None = None) -> Response:
    """Return the page with the way to Google; `fault` is why the last try led nowhere."""
    google = guest.house.google
    return render_open(
        guest,
        "sign_in.html",
        status_code=fault.status if fault else 200,
        next_path=next_path,
        fault=fault,
        is_set_up=google.known_as is not None,
        is_demo=is_demo(google.settings),
    )


def is_demo(settings: GoogleSettings) -> bool:
    """Tell whether a stand-in plays Google: pages say so."""
    return bool(settings.google_issuer != GoogleSettings.model_fields["google_issuer"].default)


def get_callback_url(house: CreatorHouse) -> str:
    """Return the one address that Google may lead back to, as it is registered there."""
    return f"{house.resources.settings.http.base_url}{CALLBACK}"


def _find_own_name(guest: Guest) -> str | None:
    """Return this page under the name that Google leads back to, where that is another.

    Whoever opens `localhost` comes back to `127.0.0.1`, where the browser holds no cookie of ours.
    Only on one's own machine: what a proxy calls us says nothing about what browsers do.
    """
    base_url = guest.house.resources.settings.http.base_url
    url = guest.request.url
    if url.hostname == urlsplit(base_url).hostname or url.hostname not in _OWN_NAMES:
        return None
    is_own = urlsplit(base_url).hostname in _OWN_NAMES
    return f"{base_url}{url.path}?{url.query}" if is_own else None


def send_to_google(request: Request, house: CreatorHouse, flow: Flow, url: str) -> Response:
    """Lead the browser to Google, remembering what for."""
    response = RedirectResponse(url, status_code=303, headers={"Cache-Control": "no-store"})
    keep_flow(request, response, house.google.vault, flow)
    return response
