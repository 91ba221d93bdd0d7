"""Who opens a screen of Creator: a user who has signed in, or a guest.

Every form carries `visitor.token` in its field `token` (or in the header `X-Form-Token`, where a
script sends it) and its route calls `visitor.check_form(token)`. A signed-in user's tokens belong
to that session alone: they die with it, and nobody can plant others.
"""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import RedirectResponse

from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.next_page import make_sign_in_path
from comfyhoused.creator.sessions import (
    COOKIE,
    Presence,
    SignedInBrowser,
    SignedOut,
    get_presence,
)
from comfyhoused.creator.tables import User
from comfyhoused.kit.crypto import make_keyed_name
from comfyhoused.kit.errors import ComfyhouseError
from comfyhoused.web.forms import FormGuard


@dataclass(frozen=True, slots=True)
class Guest:
    """Whoever opens a page that anybody may open. `user` is None where nobody has signed in."""

    house: CreatorHouse
    user: User | None
    guard: FormGuard
    visit: str
    request: Request

    @property
    def token(self) -> str:
        """What this browser's forms carry in their field `token`."""
        return self.guard.make_token(self.visit)

    def check_form(self, token: str) -> None:
        """Raise FormRefused unless a page of ours, in this browser, sent the form."""
        self.guard.check(self.request, token)

    def keep_visit(self, response: Response) -> None:
        """Set the cookie that forms are signed with, where the browser does not hold it yet."""
        self.guard.keep_visit(self.request, response, self.visit)


@dataclass(frozen=True, slots=True)
class Visitor:
    """A user who has signed in, in one browser. `visit` is what the forms' cookie holds."""

    house: CreatorHouse
    user: User
    browser: SignedInBrowser
    guard: FormGuard
    visit: str
    request: Request

    @property
    def token(self) -> str:
        """What this browser's forms carry in their field `token`."""
        return self.guard.make_token(self.visit)

    def check_form(self, token: str) -> None:
        """Raise FormRefused unless a page of ours, in this session, sent the form."""
        self.guard.check(self.request, token)

    def keep_visit(self, response: Response) -> None:
        """Set the cookie that forms are signed with, where the browser does not hold it yet."""
        self.guard.keep_visit(self.request, response, self.visit)


def get_house(request: Request) -> CreatorHouse:
    """Return Creator's side of this house, which is open where these screens are mounted."""
    house: CreatorHouse = request.app.state.creator
    return house


House = Annotated[CreatorHouse, Depends(get_house)]


async def get_guest(request: Request, house: House) -> Guest:
    """Return who opens a page that is for anybody."""
    try:
        presence = await get_presence(house.database, COOKIE.read(request))
    except SignedOut:
        guard = make_guest_guard(house)
        return Guest(house, None, guard, guard.get_visit(request), request)
    guard = _make_guard(house, presence)
    return Guest(house, presence.user, guard, guard.get_visit(request), request)


async def get_visitor(request: Request, house: House) -> Visitor:
    """Return who has signed in; raises SignedOut, which sends people to sign in and back."""
    presence = await get_presence(house.database, COOKIE.read(request))
    guard = _make_guard(house, presence)
    visit = guard.get_visit(request)
    return Visitor(house, presence.user, presence.browser, guard, visit, request)


AnyGuest = Annotated[Guest, Depends(get_guest)]
SignedInUser = Annotated[Visitor, Depends(get_visitor)]


def make_guest_guard(house: CreatorHouse) -> FormGuard:
    """Return what signs the forms of those who have not signed in."""
    return FormGuard(_get_secret(house))


def install_sign_in_needed(app: FastAPI) -> None:
    """Have people who open a screen without being signed in sent to sign in, and back."""
    app.add_exception_handler(SignedOut, _send_to_sign_in)


async def _send_to_sign_in(request: Request, error: Exception) -> Response:
    if request.headers.get("hx-request") == "true":
        # A part of a page was asked for: the whole page has to go, and come back to itself.
        path = make_sign_in_path(_read_path_of_page(request))
        return Response(status_code=401, headers={"HX-Redirect": path, "Cache-Control": "no-store"})
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(make_sign_in_path(f"{request.url.path}{query}"), status_code=303)
    handler = request.app.exception_handlers[ComfyhouseError]
    response: Response = await handler(request, error)
    return response


def _read_path_of_page(request: Request) -> str:
    """Return the path of the page that htmx says it is in; `check_next` judges it."""
    try:
        page = urlsplit(request.headers.get("hx-current-url", ""))
    except ValueError:
        return ""
    return f"{page.path}?{page.query}" if page.query else page.path


def _make_guard(house: CreatorHouse, presence: Presence) -> FormGuard:
    bound = make_keyed_name(_get_secret(house), "creator's forms", presence.browser.id)
    return FormGuard(bound.encode())


def _get_secret(house: CreatorHouse) -> bytes:
    return house.resources.settings.house.secret.get_secret_value().encode()
