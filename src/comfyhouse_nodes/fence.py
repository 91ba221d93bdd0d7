"""The fence: one attempt of a job reaches ComfyUI's queue at most once.

ComfyUI queues the same prompt id as often as it is sent. A worker that lost its lease
between looking and posting would therefore run a job twice. The fence remembers every
attempt id it has seen and takes the prompt out of a repeated body; ComfyUI then answers
400 `no_prompt`, which the sender reads as "this attempt was sent before".

A body with an attempt but without a prompt closes that attempt: nothing runs, and a late
copy of the real body is refused. The memory lives as long as ComfyUI's own queue and
history, which is what makes it right: both are empty after a restart.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from typing import Any

MARK = "comfyhouse"


class Fence:
    """Remembers attempts, newest `capacity` of them; may be used from several threads."""

    def __init__(self, *, capacity: int = 100_000) -> None:
        if capacity < 1:
            raise ValueError("a fence must remember at least one attempt")
        self._capacity = capacity
        self._seen: dict[bytes, None] = {}
        self._lock = threading.Lock()
        self._refused_count = 0

    @property
    def refused_count(self) -> int:
        """How many bodies lost their prompt because their attempt had been seen."""
        return self._refused_count

    def admit(self, json_data: Any) -> Any:
        """Return the body of POST /prompt as ComfyUI shall see it.

        `json_data` is whatever JSON was posted, of any type. A body whose
        `extra_data.comfyhouse.attempt` (a string) was seen before comes back as a copy
        without "prompt"; every other body is returned as it is. Never raises.
        """
        attempt = find_attempt(json_data)
        if attempt is None or self._remember(attempt):
            return json_data
        return {name: value for name, value in json_data.items() if name != "prompt"}

    def _remember(self, attempt: str) -> bool:
        """Note the attempt; return whether it is new."""
        # A digest keeps the memory bounded, however long the ids are that somebody sends.
        digest = hashlib.blake2b(attempt.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        with self._lock:
            is_new = digest not in self._seen
            self._seen.pop(digest, None)
            self._seen[digest] = None
            if len(self._seen) > self._capacity:
                del self._seen[next(iter(self._seen))]
            if not is_new:
                self._refused_count += 1
            return is_new


def find_attempt(json_data: object) -> str | None:
    """Return the attempt id that a body is marked with, or None if it carries no usable mark."""
    extra_data = json_data.get("extra_data") if isinstance(json_data, Mapping) else None
    mark = extra_data.get(MARK) if isinstance(extra_data, Mapping) else None
    attempt = mark.get("attempt") if isinstance(mark, Mapping) else None
    return attempt if isinstance(attempt, str) and attempt else None
