"""When a request is sent again: the same idempotency key makes that safe for submissions."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass

_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_PAUSE = 30.0


@dataclass(frozen=True)
class RetryPolicy:
    """How often, and how long in between (seconds, doubled each time, with jitter)."""

    most_retries: int = 4
    first_pause: float = 0.5

    def should_retry(self, attempt: int, status: int | None, *, is_retryable: bool) -> bool:
        """Tell whether attempt number `attempt` (from 0) is to be followed by another.

        `status` None: the connection failed. A 429 is retried where the server says when, and
        a 5xx only where the server calls the failure retryable.
        """
        if attempt >= self.most_retries:
            return False
        return status is None or (status in _RETRIED and is_retryable)

    def get_pause(self, attempt: int, retry_after: float | None) -> float:
        """Return the seconds to wait; the server's wish wins."""
        if retry_after is not None:
            return min(retry_after, _LONGEST_PAUSE)
        pause = min(self.first_pause * float(2**attempt), _LONGEST_PAUSE)
        return pause * random.uniform(0.5, 1.0)  # noqa: S311  not for secrets


def make_idempotency_key() -> str:
    """Return a key that no other request has."""
    return str(uuid.uuid4())
