"""Links that sign a person in: mailed, good once and for a quarter of an hour.

A link works in any browser, since mails are often read on another machine. That is safe
because it only shows whose account it opens and a button; what sends the button is guarded
as every form is, and a program that merely fetches the link changes nothing.
"""

import json
import secrets
from dataclasses import dataclass
from typing import Any

from comfyhoused.adapters.redis.client import Store
from comfyhoused.api.mailboxes import Mailbox
from comfyhoused.api.scripts import SCRIPTS
from comfyhoused.kit.crypto import make_digest
from comfyhoused.kit.errors import NotFound, TooManyRequests

GOOD_FOR_SECONDS = 900
_HOUR_MS = 3_600_000
_MOST_PER_MAILBOX = 5
_MOST_PER_NETWORK = 30


class LinkSpent(NotFound):
    """The link was used already, is older than a quarter of an hour, or was cut."""

    code = "link_spent"
    title = "This link does not work any more"


class TooManyLinks(TooManyRequests):
    """Too many sign-in links were asked for of late."""

    code = "too_many_links"
    title = "Too many sign-in links"


@dataclass(frozen=True, slots=True)
class SignInLink:
    """Whom a link signs in: the account, or whoever reads the mailbox; `next` is where to go."""

    account: str
    address: str
    identity: str
    next: str

    @property
    def mailbox(self) -> Mailbox:
        """The mailbox that the link was sent to."""
        return Mailbox(self.address, self.identity)


async def count_request(store: Store, mailbox: Mailbox, network: str) -> None:
    """Raise TooManyLinks where this mailbox or this network has asked for enough this hour."""
    limits = (
        (f"links:mailbox:{make_digest(mailbox.identity)}", _MOST_PER_MAILBOX, _HOUR_MS),
        (f"links:network:{network}", _MOST_PER_NETWORK, _HOUR_MS),
    )
    if await SCRIPTS.run(store, "count", *(part for limit in limits for part in limit)):
        raise TooManyLinks(
            "Look for the mails that were sent already, or try again in an hour.",
            headers={"Retry-After": "3600"},
        )


async def create_link(
    store: Store, *, account: str = "", mailbox: Mailbox | None = None, next_path: str = ""
) -> str:
    """Return the token of a new link, which cannot be had again."""
    token = secrets.token_urlsafe(32)
    address, identity = (mailbox.address, mailbox.identity) if mailbox else ("", "")
    fields = {"account": account, "address": address, "identity": identity, "next": next_path}
    await store.set(_make_key(token), json.dumps(fields), ex=GOOD_FOR_SECONDS)
    return token


async def get_link(store: Store, token: str) -> SignInLink:
    """Return whom a link signs in, and leave it usable; raises LinkSpent."""
    return _read(await store.get(_make_key(token)))


async def spend_link(store: Store, token: str) -> SignInLink:
    """Return whom a link signs in; it works this once. Raises LinkSpent."""
    return _read(await store.getdel(_make_key(token)))


def _make_key(token: str) -> str:
    return f"ch:1:sign_in:{make_digest(token)}"


def _read(text: Any) -> SignInLink:
    if text is None:
        raise LinkSpent("It works once and for 15 minutes. Ask for a new one.")
    return SignInLink(**json.loads(text))
