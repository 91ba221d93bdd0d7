"""The signed-in person behind every page of the console, and for whom they act."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import RedirectResponse

from comfyhoused.api.accounts import Account
from comfyhoused.api.console.next_page import make_sign_in_path
from comfyhoused.api.console.visitors import make_guard
from comfyhoused.api.house import ApiHouse, House, Principal
from comfyhoused.api.key_records import SCOPES
from comfyhoused.api.key_secrets import KeyMode
from comfyhoused.api.problems import make_response
from comfyhoused.api.rates import limit_pages
from comfyhoused.api.sessions import COOKIE, Session, SignInNeeded, find_presence
from comfyhoused.web.forms import FormGuard


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of an account, in one browser. It never gets a key: the pages act for it."""

    house: ApiHouse
    account: Account
    session: Session
    guard: FormGuard
    visit: str
    request: Request

    @property
    def token(self) -> str:
        """What this browser's forms carry in their field `token`."""
        return self.guard.make_token(self.visit)

    def check_form(self, token: str) -> None:
        """Raise FormRefused unless a page of ours sent the form."""
        self.guard.check(self.request, token)

    def make_principal(self, mode: KeyMode) -> Principal:
        """Return who sends the account's requests in that mode, with every right."""
        return Principal(
            account=self.account.id,
            mode=mode,
            plan=self.account.plan,
            scopes=SCOPES,
            spend_cap_cents=self.account.spend_cap_cents,
            stopped_reason=self.account.stopped_reason,
        )


async def get_member(request: Request, house: House) -> Member:
    """Return who sends the request; raises SignInNeeded, and RateLimited for too many forms.

    Renews the cookie when it is time.
    """
    presence = await find_presence(house.resources.store, COOKIE.read(request))
    if request.method == "POST":
        account = presence.account
        plan = house.plans.get(account.plan)
        await limit_pages(request, house.resources.store, f"account:{account.id}", plan)
    if presence.new_cookie is not None:
        COOKIE.keep(request, presence.new_cookie)
    guard = make_guard(house.resources.settings)
    visit = guard.get_visit(request)
    return Member(house, presence.account, presence.session, guard, visit, request)


SignedIn = Annotated[Member, Depends(get_member)]


def install_sign_in(app: FastAPI) -> None:
    """Have people who open a page without being signed in sent to sign in, and back."""
    app.add_exception_handler(SignInNeeded, _send_to_sign_in)


async def _send_to_sign_in(request: Request, error: Exception) -> Response:
    assert isinstance(error, SignInNeeded)
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(make_sign_in_path(f"{request.url.path}{query}"), status_code=303)
    return make_response(request, error)
