"""Forms that only our own pages can send.

Every visitor's browser holds a random cookie; a form carries a signature of it. Another site
can make a browser send the cookie, but can neither read it nor make the signature. Browsers
that say where a request comes from are believed, too.
"""

import secrets
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from comfyhoused.kit.crypto import is_signature_valid, make_signature
from comfyhoused.kit.errors import Forbidden
from comfyhoused.web.session_cookie import is_reached_by_tls

COOKIE = "ch_visit"
_YEAR_SECONDS = 31_536_000


class FormRefused(Forbidden):
    """The form was not sent by a page of ours, or that page is too old."""

    code = "form_refused"
    title = "This form did not come from our page"


class FormGuard:
    """Signs forms and checks them. `secret` is the house's."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def get_visit(self, request: Request) -> str:
        """Return the browser's cookie, or a new one that `keep_visit` has to set."""
        known = request.cookies.get(COOKIE, "")
        return known if len(known) == 32 and known.isalnum() else secrets.token_hex(16)

    def keep_visit(self, request: Request, response: Response, visit: str) -> None:
        """Set the cookie where the browser does not hold it yet."""
        if request.cookies.get(COOKIE) != visit:
            response.set_cookie(
                COOKIE,
                visit,
                max_age=_YEAR_SECONDS,
                httponly=True,
                samesite="lax",
                secure=is_reached_by_tls(request.scope),
            )

    def make_token(self, visit: str) -> str:
        """Return what forms carry in their field `token`."""
        return make_signature(self._secret, f"form\x1f{visit}")

    def check(self, request: Request, token: str) -> None:
        """Raise FormRefused unless our page, in this browser, sent the form."""
        visit = request.cookies.get(COOKIE, "")
        is_signed = is_signature_valid(self._secret, f"form\x1f{visit}", token)
        if not (visit and is_signed and _is_same_origin(request)):
            raise FormRefused("Load the page again, then send the form once more.")


def _is_same_origin(request: Request) -> bool:
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
