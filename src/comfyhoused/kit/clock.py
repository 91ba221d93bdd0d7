"""The one place that reads the wall clock. Instants are aware UTC; on the wire RFC 3339."""

from datetime import UTC, datetime


def get_now() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)


def get_now_ms() -> int:
    """Return milliseconds since the epoch."""
    return int(get_now().timestamp() * 1000)


def make_instant(milliseconds: int) -> datetime:
    """Return the instant that lies so many milliseconds after the epoch."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
