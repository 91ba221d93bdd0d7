"""Creator's chores, which every worker does beside its jobs."""

from collections.abc import Awaitable
from functools import partial

from comfyhoused.core.chores import repeat_chore
from comfyhoused.creator.digests import send_digests
from comfyhoused.creator.edits.chores import list_edit_chores
from comfyhoused.creator.erasure import erase_leaving_users
from comfyhoused.creator.forgetting import forget_notifications
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.placing import drop_old_uploads, place_uploads
from comfyhoused.creator.resealing import reseal_tokens
from comfyhoused.creator.sessions import forget_sessions

_HOUR = 3600.0
_MAILING_SECONDS = 5.0
_PLACING_SECONDS = 1.0
_ERASING_SECONDS = 5.0


def list_chores(house: CreatorHouse, name: str) -> list[Awaitable[object]]:
    """Return each chore as work without an end; `name` is under what this worker takes leases."""
    forget = partial(forget_sessions, house.database)
    prune = partial(forget_notifications, house.database)
    reseal = partial(reseal_tokens, house)
    return [
        *list_edit_chores(house, name),
        repeat_chore(
            "placing uploads", partial(place_uploads, house, name), seconds=_PLACING_SECONDS
        ),
        repeat_chore(
            "erasing accounts", partial(erase_leaving_users, house), seconds=_ERASING_SECONDS
        ),
        repeat_chore("forgetting old uploads", partial(drop_old_uploads, house), seconds=_HOUR),
        repeat_chore("mailing news", partial(send_digests, house), seconds=_MAILING_SECONDS),
        repeat_chore("forgetting old sessions", forget, seconds=_HOUR),
        repeat_chore("forgetting old notifications", prune, seconds=_HOUR),
        repeat_chore("sealing tokens anew", reseal, seconds=_HOUR),
    ]
