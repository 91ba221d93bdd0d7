"""Signing in by a mailed link, and out.

Whoever asks gets the same answer, whether the address has an account or not. Looking at a
link changes nothing: programs that check mails open every one. The button on its page does.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from comfyhoused.api.accounts import Account, get_account
from comfyhoused.api.console.next_page import check_next
from comfyhoused.api.console.pages import render_page
from comfyhoused.api.console.sign_in_mail import make_sign_in_mail
from comfyhoused.api.console.visitors import find_reason_closed, make_guard
from comfyhoused.api.demo import DEMO_ADDRESS
from comfyhoused.api.house import ApiHouse, House
from comfyhoused.api.mailboxes import MailAddressInvalid, Mailbox, read_mailbox
from comfyhoused.api.networks import name_network
from comfyhoused.api.sessions import (
    COOKIE,
    SignInNeeded,
    create_session,
    end_session,
    find_presence,
)
from comfyhoused.api.sign_in_links import (
    GOOD_FOR_SECONDS,
    SignInLink,
    count_request,
    create_link,
    get_link,
    spend_link,
)
from comfyhoused.api.sign_up import find_account_of, open_account
from comfyhoused.core.mail.post import post_mail
from comfyhoused.kit.errors import Unavailable

router = APIRouter(prefix="/console", include_in_schema=False)


class SignInClosed(Unavailable):
    """This house has no mail server, so it can send no sign-in links."""

    code = "sign_in_closed"
    title = "Nobody can sign in here yet"


@router.get("/sign-in")
async def show_sign_in(request: Request, house: House, next: str = "") -> Response:  # noqa: A002
    """Ask for a mail address."""
    return _render_form(request, house, next_path=check_next(next))


@router.post("/sign-in")
async def ask_for_link(
    request: Request,
    house: House,
    email: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "",  # noqa: A002
    token: Annotated[str, Form()] = "",
) -> Response:
    """Mail a link; the answer is the same for every address."""
    make_guard(house.resources.settings).check(request, token)
    if _find_closed(house) is not None:
        raise SignInClosed("Whoever runs this house has to name a mail server first.")
    next_path = check_next(next)
    try:
        mailbox = read_mailbox(email)
    except MailAddressInvalid as error:
        return _render_form(
            request, house, status_code=422, next_path=next_path, email=email, fault=error.detail
        )
    link = await _send_link(request, house, mailbox, next_path)
    shown = link if _shows_links(request, house) else None
    context = {"email": mailbox.address, "link": shown, "minutes": GOOD_FOR_SECONDS // 60}
    return render_page(request, house, "sign_in_sent.html", **context)


@router.get("/sign-in/{link}")
async def show_link(request: Request, house: House, link: str) -> Response:
    """Say whom the link signs in, and show the button that does it."""
    found = await get_link(house.resources.store, link)
    who = found.address or found.account
    return render_page(request, house, "sign_in_link.html", link=link, who=who)


@router.post("/sign-in/{link}")
async def use_link(
    request: Request, house: House, link: str, token: Annotated[str, Form()] = ""
) -> Response:
    """Sign this browser in; the link is spent by it."""
    make_guard(house.resources.settings).check(request, token)
    found = await spend_link(house.resources.store, link)
    account = await _find_or_open(request, house, found)
    await _end_session_of(request, house)
    agent = request.headers.get("user-agent", "")
    _session, cookie = await create_session(house.resources.store, account.id, agent)
    response = RedirectResponse(check_next(found.next), status_code=303)
    COOKIE.set(response, request, cookie)
    return response


@router.post("/sign-out")
async def sign_out(request: Request, house: House, token: Annotated[str, Form()] = "") -> Response:
    """Sign this browser out, for good: its cookie is worth nothing afterwards."""
    make_guard(house.resources.settings).check(request, token)
    await _end_session_of(request, house)
    response = RedirectResponse("/console/sign-in", status_code=303)
    COOKIE.set(response, request, "")
    return response


async def _send_link(request: Request, house: ApiHouse, mailbox: Mailbox, next_path: str) -> str:
    """Return the link that was mailed, to the address under which the account was opened."""
    store = house.resources.store
    await count_request(store, mailbox, _name_network(request))
    account = await find_account_of(store, mailbox)
    if account is not None and account.email:
        mailbox = Mailbox(account.email, mailbox.identity)
    token = await create_link(store, mailbox=mailbox, next_path=next_path)
    link = f"{house.resources.settings.http.base_url}/console/sign-in/{token}"
    if not _shows_links(request, house):
        mail = make_sign_in_mail(mailbox.address, link)
        await post_mail(store, mail, good_for_seconds=GOOD_FOR_SECONDS)
    return link


async def _find_or_open(request: Request, house: ApiHouse, link: SignInLink) -> Account:
    store = house.resources.store
    if link.account:
        return await get_account(store, link.account)
    rules = house.resources.settings.sign_up
    return await open_account(store, rules, link.mailbox, _name_network(request))


async def _end_session_of(request: Request, house: ApiHouse) -> None:
    try:
        account, session, _ = await find_presence(house.resources.store, COOKIE.read(request))
    except SignInNeeded:
        return
    await end_session(house.resources.store, account.id, session.id)


def _render_form(
    request: Request, house: ApiHouse, *, status_code: int = 200, **context: Any
) -> Response:
    context = {"email": "", "fault": "", **context}
    if _shows_links(request, house):
        context["email"] = context["email"] or DEMO_ADDRESS
    no_mail = _find_closed(house)
    response = render_page(request, house, "sign_in.html", no_mail=no_mail, **context)
    response.status_code = 503 if no_mail else status_code
    return response


def _find_closed(house: ApiHouse) -> str | None:
    """Return why no link can be sent, or None."""
    if house.resources.mail_server or house.resources.settings.house.mode == "development":
        return None
    return "CH_SMTP_HOST"


def _shows_links(request: Request, house: ApiHouse) -> bool:
    """In development without a mail server whoever sits at the machine gets the link itself."""
    is_closed = find_reason_closed(request, house.resources.settings) is not None
    return house.resources.mail_server is None and not is_closed


def _name_network(request: Request) -> str:
    return name_network(request.client.host if request.client else None)
