"""Creator's templates, and what every one of its screens needs around it."""

from pathlib import Path
from typing import Any

from fastapi.responses import RedirectResponse, Response

from comfyhoused.creator.notifications import count_unread
from comfyhoused.creator.screens.said import read_said
from comfyhoused.creator.visitors import Guest, Visitor
from comfyhoused.web.pages import Pages

PAGES = Pages(Path(__file__).parents[1] / "templates")


async def render_screen(
    visitor: Visitor,
    template: str,
    *,
    nav: str = "",
    status_code: int = 200,
    **context: Any,
) -> Response:
    """Return a screen of a signed-in user. `nav` is the place that the navigation marks.

    Templates see `user`, `token` for their forms, `unread` for the bell, and `said`: what the
    form that led here has done.
    """
    async with visitor.house.database.begin() as session:
        unread = await count_unread(session, visitor.user.id)
    response = PAGES.render(
        template,
        status_code=status_code,
        user=visitor.user,
        token=visitor.token,
        unread=unread,
        nav=nav,
        said=read_said(visitor.request),
        **context,
    )
    visitor.keep_visit(response)
    return response


def render_part(visitor: Visitor, template: str, **context: Any) -> Response:
    """Return a part of a screen, to be put in its place by script."""
    return PAGES.render(template, token=visitor.token, user=visitor.user, **context)


def render_open(guest: Guest, template: str, *, status_code: int = 200, **context: Any) -> Response:
    """Return a page that anybody may open."""
    response = PAGES.render(
        template,
        status_code=status_code,
        user=guest.user,
        token=guest.token,
        creator_open=True,
        **context,
    )
    guest.keep_visit(response)
    return response


def go_to(path: str) -> RedirectResponse:
    """Lead a browser that has sent a form to the page that shows what came of it."""
    return RedirectResponse(path, status_code=303)
