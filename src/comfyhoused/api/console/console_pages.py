"""Pages of the console: the frame around each of them."""

from typing import Any

from fastapi.responses import RedirectResponse, Response

from comfyhoused.api.console.pages import PAGES
from comfyhoused.api.console.signed_in import SignedIn


def render_console(
    member: SignedIn, template: str, *, nav: str, status_code: int = 200, **context: Any
) -> Response:
    """Return a page of the console; `nav` names its place in the navigation.

    Templates see `account` and `token` for their forms.
    """
    context |= {
        "nav": nav,
        "account": member.account,
        "token": member.token,
        "base_url": member.house.resources.settings.http.base_url,
    }
    response = PAGES.render(template, status_code=status_code, **context)
    member.guard.keep_visit(member.request, response, member.visit)
    return response


def list_owners(member: SignedIn) -> tuple[str, str]:
    """Return the owners of the account's live and test jobs and files."""
    return member.make_principal("live").owner, member.make_principal("test").owner


def redirect_to(address: str) -> Response:
    """Send the browser on after a form, so that a reload does not send it again."""
    return RedirectResponse(address, status_code=303)


def wants_data(member: SignedIn) -> bool:
    """Tell whether a script of ours asks, which is answered with JSON."""
    return "application/json" in member.request.headers.get("accept", "")
