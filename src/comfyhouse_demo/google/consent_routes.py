"""The pages between an app and its user: choose an account, allow or refuse, pick files."""

from typing import Any

from aiohttp import web

from comfyhouse_demo.google.asking import Asking, BadRequest, read_asking
from comfyhouse_demo.google.files import File, list_files, save_file
from comfyhouse_demo.google.grants import find_grant, make_code, save_grant
from comfyhouse_demo.google.house import GOOGLE, Google
from comfyhouse_demo.google.pages import render
from comfyhouse_demo.google.people import (
    Person,
    create_person,
    find_person,
    get_person,
    list_people,
)
from comfyhouse_demo.google.scopes import describe_scope

_PATH = "/o/oauth2/v2/auth"


async def show(request: web.Request) -> web.Response:
    """Show the accounts, or what the app asks of the chosen one."""
    google = request.app[GOOGLE]
    asking = read_asking(request.query, google.client)
    if "none" in asking.prompt:
        raise web.HTTPFound(asking.make_return(error="interaction_required"))
    person = _find_chosen(google, request, asking)
    if person is None:
        return render("accounts.html", people=list_people(google.store), link=_make_link(request))
    granted = find_grant(google.store, person.sub, asking.client)
    if _needs_no_question(asking, granted):
        raise web.HTTPFound(_let_in(google, asking, person, list(asking.scopes)))
    return render(
        "consent.html",
        person=person,
        boxes=[(scope, describe_scope(scope)) for scope in asking.boxes],
        files=_list_pickable(google, asking, person) if asking.picks else [],
        asking=asking,
        action=str(request.rel_url),
    )


async def decide(request: web.Request) -> web.Response:
    """Take an answer: a new account, or yes or no and what was ticked and picked."""
    google = request.app[GOOGLE]
    asking = read_asking(request.query, google.client)
    form = await request.post()
    if "email" in form:
        email = str(form["email"]).strip()
        name = str(form.get("name", "")).strip() or email.partition("@")[0]
        person = create_person(google.store, email, name)
        return _see(_make_link(request, person.sub))
    person = get_person(google.store, str(form.get("account", "")))
    if form.get("decision") != "allow":
        return _see(asking.make_return(error="access_denied"))
    ticked = set(form.getall("scope", []))
    allowed = [one for one in asking.scopes if one not in asking.boxes or one in ticked]
    picked = [str(one) for one in form.getall("picked", [])]
    return _see(_let_in(google, asking, person, allowed, picked))


ROUTES = (web.get(_PATH, show), web.post(_PATH, decide))


def _let_in(
    google: Google,
    asking: Asking,
    person: Person,
    scopes: list[str],
    picked: list[str] | None = None,
) -> str:
    """Keep what was allowed and return the address to go back to."""
    before = find_grant(google.store, person.sub, asking.client)
    together = save_grant(google.store, person.sub, asking.client, scopes)
    told = together if asking.includes_granted else scopes
    code = make_code(
        google.store,
        {
            "sub": person.sub,
            "client": asking.client,
            "redirect_uri": asking.redirect_uri,
            "scopes": told,
            "nonce": asking.nonce,
            "challenge": asking.challenge,
            "challenge_method": asking.challenge_method,
            # A refresh token comes with the first consent only, unless consent is asked for.
            "is_offline": asking.is_offline and (not before or "consent" in asking.prompt),
        },
    )
    values: dict[str, str] = {"code": code, "scope": " ".join(told)}
    if asking.picks:
        _give(google, asking, person, picked or [])
        values["picked_file_ids"] = ",".join(picked or [])
    return asking.make_return(**values)


def _give(google: Google, asking: Asking, person: Person, picked: list[str]) -> None:
    for file in list_files(google.store, person.sub):
        if file.id in picked and asking.client not in file.apps:
            file.apps.append(asking.client)
            save_file(google.store, file)


def _find_chosen(google: Google, request: web.Request, asking: Asking) -> Person | None:
    chosen = request.query.get("demo_account", "")
    if chosen:
        return get_person(google.store, chosen)
    if "select_account" in asking.prompt or not asking.login_hint:
        return None
    return find_person(google.store, asking.login_hint)


def _needs_no_question(asking: Asking, granted: list[str]) -> bool:
    if "consent" in asking.prompt or asking.picks:
        return False
    return set(asking.scopes) <= set(granted)


def _list_pickable(google: Google, asking: Asking, person: Person) -> list[File]:
    def is_offered(file: File) -> bool:
        if file.is_trashed or not file.parent:
            return False
        if file.is_folder:
            return asking.picks_folders
        return not asking.mime_types or file.mime in asking.mime_types

    return [file for file in list_files(google.store, person.sub) if is_offered(file)]


def _make_link(request: web.Request, sub: str = "") -> str:
    url = request.rel_url
    return str(url.update_query(demo_account=sub)) if sub else str(url)


def _see(address: str) -> web.Response:
    return web.Response(status=303, headers={"Location": address})


@web.middleware
async def explain(request: web.Request, handler: Any) -> web.StreamResponse:
    """Show what is wrong with a request that cannot be sent back."""
    try:
        answer: web.StreamResponse = await handler(request)
    except BadRequest as error:
        return render("wrong.html", status=400, message=str(error))
    return answer
