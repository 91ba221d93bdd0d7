"""Mails are kept in Redis first and sent by a worker: none is lost, none is posted twice."""

import json
from dataclasses import asdict
from dataclasses import fields as list_fields
from pathlib import Path
from typing import Any, NamedTuple

from comfyhoused.adapters.redis.client import Store
from comfyhoused.adapters.redis.scripts import ScriptBook
from comfyhoused.core.mail.mail import Mail
from comfyhoused.kit.ids import make_id

_FOLDER = Path(__file__).with_name("lua")
_SCRIPTS = ScriptBook(_FOLDER, (_FOLDER / "prelude.txt").read_text())
_DAY_MS = 86_400_000
_REMEMBERED_MS = 40 * _DAY_MS  # beyond the month that a notice of usage belongs to


class Posted(NamedTuple):
    """A mail that waits to be sent, with its id and the number of this try."""

    id: str
    mail: Mail
    tries: int


async def post_mail(
    store: Store, mail: Mail, *, once: str = "", good_for_seconds: int = 86_400
) -> bool:
    """Have a mail sent, soon and within `good_for_seconds`, or never.

    Of all mails with the same `once` only the first is taken; returns whether this one was.
    """
    fields = json.dumps(asdict(mail))
    good_for_ms = good_for_seconds * 1000
    mail_id = make_id("mail")
    return bool(
        await _SCRIPTS.run(store, "post", mail_id, fields, good_for_ms, once, _REMEMBERED_MS)
    )


async def take_mails(store: Store, *, most: int, for_seconds: int) -> list[Posted]:
    """Return mails that are due; for so long no other worker gets them."""
    rows: Any = await _SCRIPTS.run(store, "take", most, for_seconds * 1000)
    return [Posted(mail_id, _read(flat), int(tries)) for mail_id, flat, tries in rows]


async def drop_mail(store: Store, mail_id: str) -> None:
    """Forget a mail that is sent, or never will be."""
    await _SCRIPTS.run(store, "drop", mail_id)


async def delay_mail(store: Store, mail_id: str, seconds: int) -> None:
    """Try a mail again after so long."""
    await _SCRIPTS.run(store, "delay", mail_id, seconds * 1000)


def _read(flat: list[str]) -> Mail:
    fields = dict(zip(flat[::2], flat[1::2], strict=True))
    # A mail that an older version has kept lacks what was added since.
    return Mail(**{one.name: fields[one.name] for one in list_fields(Mail) if one.name in fields})
