"""Ending mails without signing in: by the link below each of them, and by the reader's own button.

Programs that look for viruses open every link of a mail, so that only a POST ends something: the
button on the page, or the one click of RFC 8058. The signature is the permission.
"""

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from fastapi.responses import Response
from sqlalchemy import update

from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.screens.pages import PAGES
from comfyhoused.creator.tables import User
from comfyhoused.creator.visitors import House
from comfyhoused.kit.crypto import is_signature_valid, make_signature
from comfyhoused.kit.errors import NotFound

router = APIRouter(prefix="/creator/unsubscribe", include_in_schema=False)

MailKind = Literal["results", "problems"]


class UnsubscribeUnknown(NotFound):
    """The link was not made by us, or it was cut off."""

    code = "unsubscribe_unknown"
    title = "This link ends no mails"


def make_unsubscribe_url(house: CreatorHouse, user_id: str, kind: MailKind) -> str:
    """Return the address that ends a user's mails of this kind; it does not expire."""
    signature = make_signature(_get_secret(house), _write_message(user_id, kind))
    base = house.resources.settings.http.base_url
    return f"{base}/creator/unsubscribe/{kind}/{user_id}/{signature}"


@router.get("/{kind}/{user_id}/{signature}")
async def ask_whether_to_end(
    house: House,
    kind: MailKind,
    user_id: Annotated[str, Path(max_length=60)],
    signature: Annotated[str, Path(max_length=64)],
) -> Response:
    """Ask before mails are ended: opening a link changes nothing."""
    _check(house, kind, user_id, signature)
    return PAGES.render("unsubscribe.html", kind=kind, is_done=False)


@router.post("/{kind}/{user_id}/{signature}")
async def end_mails(
    house: House,
    kind: MailKind,
    user_id: Annotated[str, Path(max_length=60)],
    signature: Annotated[str, Path(max_length=64)],
) -> Response:
    """End the user's mails of this kind; again, it is the same."""
    _check(house, kind, user_id, signature)
    change = {"mail_results": False} if kind == "results" else {"mail_problems": False}
    async with house.database.begin() as session:
        await session.execute(update(User).where(User.id == user_id).values(**change))
    return PAGES.render("unsubscribe.html", kind=kind, is_done=True)


def _check(house: CreatorHouse, kind: MailKind, user_id: str, signature: str) -> None:
    if not is_signature_valid(_get_secret(house), _write_message(user_id, kind), signature):
        raise UnsubscribeUnknown("Open the whole link of the mail, or change it in the settings.")


def _write_message(user_id: str, kind: MailKind) -> str:
    return f"unsubscribe\x1f{kind}\x1f{user_id}"


def _get_secret(house: CreatorHouse) -> bytes:
    return house.resources.settings.house.secret.get_secret_value().encode()
