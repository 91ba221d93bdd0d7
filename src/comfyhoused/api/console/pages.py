"""The console's pages: its templates, and what every one of them needs."""

from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from comfyhoused.api.console.visitors import find_reason_closed, make_guard
from comfyhoused.api.house import ApiHouse
from comfyhoused.web.pages import Pages

PAGES = Pages(Path(__file__).parent / "templates")


def render_page(request: Request, house: ApiHouse, template: str, **context: Any) -> Response:
    """Return a page whose forms this browser may send, where the forms are open at all.

    Templates see `closed` (why they are not, or None), `token` for their forms, and whether the
    other door is open.
    """
    settings = house.resources.settings
    guard = make_guard(settings)
    visit = guard.get_visit(request)
    context |= {
        "closed": find_reason_closed(request, settings),
        "token": guard.make_token(visit),
        "base_url": settings.http.base_url,
        "creator_open": getattr(request.app.state, "creator", None) is not None,
    }
    response = PAGES.render(template, **context)
    guard.keep_visit(request, response, visit)
    return response
