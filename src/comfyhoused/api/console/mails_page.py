"""The mails that a house in development would have sent, to be read here instead."""

from fastapi import APIRouter, Request, Response

from comfyhoused.api.console.pages import render_page
from comfyhoused.api.console.visitors import PageVisitor
from comfyhoused.core.mail.send import list_unsent_mails

router = APIRouter(include_in_schema=False)


@router.get("/page/mails")
async def show_mails(request: Request, visitor: PageVisitor) -> Response:
    """Show the newest ones; in production, and under a foreign name, there are none to see."""
    mails = await list_unsent_mails(visitor.house.resources.store)
    server = visitor.house.resources.mail_server
    return render_page(request, visitor.house, "mails.html", mails=mails, has_server=bool(server))
