"""The cookie of a signed-in browser: no script reads it, no other site's form sends it."""

from dataclasses import dataclass
from http.cookies import SimpleCookie

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_STATE = "new_session_cookies"


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """A cookie that stands for a signed-in browser, by name.

    `is_host_bound`: by TLS it is called `__Host-…`, which browsers take from this very host
    alone, so that a neighbour under the same domain cannot plant one of its own.
    """

    name: str
    lasts_seconds: int
    is_host_bound: bool = False

    def read(self, request: Request) -> str:
        """Return what the browser's cookie holds; empty where there is none."""
        return request.cookies.get(self._get_name(is_reached_by_tls(request.scope)), "")

    def keep(self, request: Request, value: str) -> None:
        """Have whatever answer this request gets set the cookie; empty: take it away."""
        kept = request.scope["state"].setdefault(_STATE, {})
        kept[self] = value

    def set(self, response: Response, request: Request, value: str) -> None:
        """Set the cookie on this answer; empty: take it away."""
        response.headers.append("set-cookie", self.write(value, is_reached_by_tls(request.scope)))

    def write(self, value: str, is_secure: bool) -> str:
        """Return the header that sets it."""
        name = self._get_name(is_secure)
        jar: SimpleCookie = SimpleCookie()
        jar[name] = value
        morsel = jar[name]
        morsel["path"] = "/"
        morsel["max-age"] = self.lasts_seconds if value else 0
        morsel["httponly"] = True
        morsel["samesite"] = "Lax"
        morsel["secure"] = is_secure
        return morsel.OutputString()

    def _get_name(self, is_secure: bool) -> str:
        return f"__Host-{self.name}" if self.is_host_bound and is_secure else self.name


class SessionCookies:
    """Middleware: sets the cookies that a page further down has asked for.

    A page cannot do it alone: the session is looked up before the page has an answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and its answer with the cookies."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def send_with_cookies(message: Message) -> None:
            if message["type"] == "http.response.start" and _STATE in state:
                kept: dict[SessionCookie, str] = state[_STATE]
                is_secure = is_reached_by_tls(scope)
                added = [
                    (b"set-cookie", cookie.write(value, is_secure).encode())
                    for cookie, value in kept.items()
                ]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self._app(scope, receive, send_with_cookies)


def is_reached_by_tls(scope: Scope) -> bool:
    """Tell whether browsers reach this house by TLS; a proxy before us may have ended it."""
    base_url: str = scope["app"].state.house.resources.settings.http.base_url
    return bool(scope["scheme"] == "https") or base_url.startswith("https://")
