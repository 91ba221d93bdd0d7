"""Errors for people: the problem document of a failed page as a page, and each code explained."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import orjson
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from comfyhoused.api.console.pages import PAGES
from comfyhoused.api.known_errors import find_error_class
from comfyhoused.api.problems import MEDIA_TYPE
from comfyhoused.kit.errors import ComfyhouseError, NotFound

router = APIRouter(include_in_schema=False)

_Handler = Callable[[Request, Exception], Awaitable[Response]]


class CodeUnknown(NotFound):
    """No error of ours has this code."""

    code = "code_unknown"
    title = "There is no error with this code"


@router.get("/errors/{code}")
async def explain_error(code: str) -> Response:
    """Explain an error: the `type` of every problem document leads here."""
    error = find_error_class(code)
    if error is None:
        raise CodeUnknown("The errors of this house are listed in docs/errors.md.")
    when = " ".join(inspect.cleandoc(error.__doc__ or "").split("\n\n")[0].split())
    return PAGES.render("error_code.html", error=error, when=when)


def install_error_pages(app: FastAPI) -> None:
    """Have people see a page where programs see a problem document.

    Wraps the handlers that are installed: they decide what is wrong, here it is only shown.
    """
    for kind in (ComfyhouseError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, _show_to_people(app.exception_handlers[kind]))


def _show_to_people(handler: Any) -> _Handler:
    async def handle(request: Request, error: Exception) -> Response:
        response: Response = await handler(request, error)
        if response.media_type != MEDIA_TYPE or not _is_for_people(request):
            return response
        problem = orjson.loads(bytes(response.body))
        kept = ("retry-after", "allow")
        return PAGES.render(
            "error.html",
            status_code=response.status_code,
            headers={name: response.headers[name] for name in kept if name in response.headers},
            problem=problem,
            is_creator=request.url.path.startswith("/creator"),
            creator_open=getattr(request.app.state, "creator", None) is not None,
            back=_find_way_back(request),
        )

    return handle


def _find_way_back(request: Request) -> str:
    """Return the path of the page of ours whose form has led here, or ''."""
    try:
        page = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return ""
    is_ours = request.method == "POST" and page.netloc == request.headers.get("host")
    return f"{page.path}?{page.query}" if is_ours and page.query else page.path if is_ours else ""


def _is_for_people(request: Request) -> bool:
    if request.url.path.startswith(("/api/", "/static/")):
        return False
    return "text/html" in request.headers.get("accept", "")
