"""When a delivery is tried again, and when a place that fails is left in peace."""

import random
from dataclasses import dataclass

#: Seconds between one try and the next: 13 tries over a day and three quarters of an hour.
SCHEDULE = (5, 30, 120, 300, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 28_800)

#: After so many failures in a row a lane is tried by one delivery at a time, with pauses.
BREAK_AFTER = 5
_FIRST_PAUSE_SECONDS = 10
_LONGEST_PAUSE_SECONDS = 300

#: Added to each wait, at random, so that what failed together does not come back together.
_JITTER = 0.2

_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things take. `factor` shortens all waits (tests only).

    An endpoint is disabled that has failed every try for `disable_days`, without a longer
    silence between two of them than `silence_days`, and at least as often as one delivery is
    tried.
    """

    timeout_seconds: float = 15
    factor: float = 1
    disable_days: float = 5
    silence_days: float = 2

    @property
    def lease_ms(self) -> int:
        """How long a delivery may be in one worker's hands."""
        return int((self.timeout_seconds * 1.5 + 5 * self.factor) * 1000)

    @property
    def slow_seconds(self) -> float:
        """An answer that takes longer makes a lane slow."""
        return self.timeout_seconds / 5

    @property
    def disable_ms(self) -> int:
        return int(self.disable_days * _DAY_SECONDS * 1000 * self.factor)

    @property
    def silence_ms(self) -> int:
        return int(self.silence_days * _DAY_SECONDS * 1000 * self.factor)

    def find_delay_ms(self, tries: int) -> int | None:
        """Return the wait after so many tries; None: that was the last."""
        if tries > len(SCHEDULE):
            return None
        return self._jitter(SCHEDULE[tries - 1])

    def make_pause_ms(self, failures: int) -> int:
        """Return how long a lane rests after so many failures in a row."""
        if failures < BREAK_AFTER:
            return 0
        doubled: int = _FIRST_PAUSE_SECONDS * 2 ** min(failures - BREAK_AFTER, 10)
        return self._jitter(min(doubled, _LONGEST_PAUSE_SECONDS))

    def _jitter(self, seconds: float) -> int:
        stretch = 1 + random.random() * _JITTER  # noqa: S311  no secret
        return int(seconds * stretch * self.factor * 1000)
