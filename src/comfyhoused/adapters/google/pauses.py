"""How long to wait before a request is sent again: truncated exponential backoff with jitter."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pauses:
    """At most `tries` tries; the pauses between them double from `first_seconds` to `longest`.

    A wait that Google asks for is kept where it is not longer than `longest_seconds`; where it is,
    nobody waits here: the error says how long, and whoever plans the work takes it up again then.
    """

    tries: int = 5
    first_seconds: float = 0.5
    longest_seconds: float = 16.0

    def find_pause(self, failures: int, asked_seconds: float | None) -> float | None:
        """Return the seconds to wait after so many failures; None: not to be tried again here."""
        if failures >= self.tries:
            return None
        if asked_seconds is not None and asked_seconds > self.longest_seconds:
            return None
        usual = min(self.first_seconds * 2.0 ** (failures - 1), self.longest_seconds)
        # Jitter, so that those who were refused together do not come back together.
        jittered = usual * random.uniform(0.5, 1.0)  # noqa: S311
        return max(jittered, asked_seconds or 0.0)
