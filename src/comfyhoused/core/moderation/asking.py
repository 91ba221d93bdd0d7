"""One question to the operator's judge, and what follows when it does not answer."""

import asyncio
from collections.abc import Mapping
from typing import Any, Literal

from comfyhoused.adapters.moderation.moderator import Moderator, ModeratorDown, Verdict
from comfyhoused.kit.errors import Unavailable, Unprocessable
from comfyhoused.kit.log import get_logger

log = get_logger(__name__)

_PAUSES_SECONDS = (0.2, 1.0)

WhenDown = Literal["refuse", "allow"]


class ContentRefused(Unprocessable):
    """The operator of this server does not make such content. It is free."""

    code = "content_refused"
    title = "The operator does not allow this content"


class ModerationDown(Unavailable):
    """Whoever judges content here does not answer, and nothing is made unjudged."""

    code = "moderation_down"
    title = "Content cannot be judged for a moment"


async def ask(moderator: Moderator, question: Mapping[str, Any], *, when_down: WhenDown) -> None:
    """Return where the content is allowed; raises ContentRefused and ModerationDown.

    A judge that is down is asked again, twice; then `when_down` decides.
    """
    verdict = await _judge(moderator, question)
    if verdict is None:
        if when_down == "allow":
            return
        raise ModerationDown("Try again in a minute.", headers={"Retry-After": "60"})
    if not verdict.is_allowed:
        raise ContentRefused(verdict.reason or "It was refused.")


async def _judge(moderator: Moderator, question: Mapping[str, Any]) -> Verdict | None:
    for pause in (*_PAUSES_SECONDS, None):
        try:
            return await moderator.judge(question)
        except ModeratorDown as error:
            log.warning("moderation (%s): %s", question.get("stage"), error)
        if pause is not None:
            await asyncio.sleep(pause)
    return None
