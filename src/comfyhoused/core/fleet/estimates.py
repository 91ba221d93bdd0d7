"""How long runs take: a moving average for each kind of work, to stage the next one late."""

_SHARE_OF_NEWEST = 0.3
_MOST_KINDS = 500


class RunTimes:
    """Remembers run times in seconds by a name such as the model's."""

    def __init__(self) -> None:
        self._averages: dict[str, float] = {}

    def add(self, kind: str, seconds: float) -> None:
        """Count one finished run in."""
        if len(self._averages) >= _MOST_KINDS:
            self._averages.clear()
        old = self._averages.get(kind, seconds)
        self._averages[kind] = old + _SHARE_OF_NEWEST * (seconds - old)

    def find(self, kind: str) -> float | None:
        """Return the usual run time, or None where nothing is known."""
        return self._averages.get(kind)
