"""A judge behind an address of the operator's."""

import json
from collections.abc import Mapping
from typing import Any

from comfyhoused.adapters.moderation.moderator import ModeratorDown, Verdict, read_verdict
from comfyhoused.kit.http.guard import Guard, make_policy, resolve_name
from comfyhoused.kit.http.send import send
from comfyhoused.kit.http.url import parse_url


class HttpModerator:
    """Posts each question as JSON; any port, and http as well: the operator chose the address."""

    def __init__(self, url: str, secret: str | None, timeout_seconds: float) -> None:
        parsed = parse_url(url)
        self._url = url
        self._guard = Guard(make_policy([parsed.host]), resolve_name)
        self._headers = {"Content-Type": "application/json"}
        if secret is not None:
            self._headers["Authorization"] = f"Bearer {secret}"
        self._timeout_seconds = timeout_seconds

    async def judge(self, question: Mapping[str, Any]) -> Verdict:
        """Return the verdict; raises ModeratorDown."""
        answer = await send(
            self._guard,
            self._url,
            json.dumps(question).encode(),
            self._headers,
            timeout_seconds=self._timeout_seconds,
        )
        if answer.error is not None:
            raise ModeratorDown(answer.error.detail)
        if not answer.is_accepted:
            raise ModeratorDown(f"it answered {answer.status}")
        return read_verdict(answer.excerpt)
