"""What every judge of content can do, and how its answers are read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

LONGEST_REASON = 300
MAX_ANSWER_BYTES = 16_384


class ModeratorDown(Exception):
    """It did not answer in time, or not with `{"allowed": true}` or false."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What it said. The reason is shown to the customer."""

    is_allowed: bool
    reason: str = ""


class Moderator(Protocol):
    """Asks the operator's judge."""

    async def judge(self, question: Mapping[str, Any]) -> Verdict:
        """Return the verdict on a question as JSON can hold it; raises ModeratorDown."""
        ...


def read_verdict(answer: str) -> Verdict:
    """Read `{"allowed": false, "reason": "…"}`; raises ModeratorDown for anything else."""
    try:
        document = json.loads(answer)
    except ValueError as error:
        raise ModeratorDown("its answer is not JSON") from error
    if not isinstance(document, dict) or not isinstance(document.get("allowed"), bool):
        raise ModeratorDown('its answer has no "allowed" of true or false')
    reason = document.get("reason")
    text = "".join(one for one in reason if one.isprintable()) if isinstance(reason, str) else ""
    return Verdict(document["allowed"], text[:LONGEST_REASON])
