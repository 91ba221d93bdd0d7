"""The cookie of a signed-in browser: no script reads it, no other site's form sends it."""

from http.cookies import SimpleCookie

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from comfyhoused.api.sessions import COOKIE, LASTS_SECONDS

_STATE = "new_session_cookie"


def read_session_cookie(request: Request) -> str:
    """Return what the browser's cookie holds; empty where there is none."""
    return request.cookies.get(COOKIE, "")


def keep_session_cookie(request: Request, cookie: str) -> None:
    """Have whatever answer this request gets set the cookie; empty: take it away."""
    request.scope["state"][_STATE] = cookie


def set_session_cookie(response: Response, request: Request, cookie: str) -> None:
    """Set the cookie on this answer."""
    response.headers.append("set-cookie", _write(cookie, is_reached_by_tls(request.scope)))


class SessionCookies:
    """Middleware: sets the cookie that a page further down has asked for.

    A page cannot do it alone: the session is looked up before the page has an answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and its answer with the cookie."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and _STATE in state:
                header = _write(state[_STATE], is_reached_by_tls(scope)).encode()
                message["headers"] = [*message["headers"], (b"set-cookie", header)]
            await send(message)

        await self._app(scope, receive, send_with_cookie)


def is_reached_by_tls(scope: Scope) -> bool:
    """Tell whether browsers reach this house by TLS; a proxy before us may have ended it."""
    base_url: str = scope["app"].state.house.resources.settings.http.base_url
    return scope["scheme"] == "https" or base_url.startswith("https://")


def _write(cookie: str, is_secure: bool) -> str:
    jar: SimpleCookie = SimpleCookie()
    jar[COOKIE] = cookie
    morsel = jar[COOKIE]
    morsel["path"] = "/"
    morsel["max-age"] = LASTS_SECONDS if cookie else 0
    morsel["httponly"] = True
    morsel["samesite"] = "Lax"
    morsel["secure"] = is_secure
    return morsel.OutputString()
