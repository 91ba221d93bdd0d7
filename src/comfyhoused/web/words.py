"""Numbers and texts as people read them. What is not known is a dash, never a guess."""

from datetime import datetime

from markupsafe import Markup, escape

from comfyhoused.kit.clock import get_now

_DASH = "–"
_NARROW = "\u202f"


def format_seconds(seconds: float | None) -> str:
    """Return `6.4 s`, `84 ms` or `2 min 5 s`."""
    if seconds is None:
        return _DASH
    if seconds < 0.1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def format_count(number: int | None) -> str:
    """Return `17 902`, digits in threes with a narrow space."""
    return _DASH if number is None else f"{number:,}".replace(",", _NARROW)


def format_most(number: int, most: int) -> str:
    """Return `940`, or `1 000+` where what was counted goes on beyond `most`."""
    return format_count(number) if number <= most else f"{format_count(most)}+"


def format_bytes(size_bytes: int | None) -> str:
    """Return `940 kB` or `1.9 MB`."""
    if size_bytes is None:
        return _DASH
    if size_bytes < 1_000_000:
        return f"{max(1, round(size_bytes / 1000))} kB"
    return f"{size_bytes / 1_000_000:.1f} MB"


def mark_code(text: str) -> Markup:
    """Return the text, escaped, with `this` set as code."""
    parts = [escape(part) for part in text.split("`")]
    marked = (Markup("<code>{}</code>").format(part) if i % 2 else part
              for i, part in enumerate(parts))  # fmt: skip
    return Markup("").join(marked)


def format_cents(cents: int | None) -> str:
    """Return `$29`, `$0.04` or `$1 204.50` of an amount in US cents."""
    return _DASH if cents is None else format_dollars(cents / 100)


def format_micros(micros: int | None) -> str:
    """Return dollars of an amount in millionths of a dollar: `$0.0032`."""
    return _DASH if micros is None else format_dollars(micros / 1_000_000)


def format_dollars(dollars: float | None) -> str:
    """Return whole dollars without decimals, others with as many as they need, two at least."""
    if dollars is None:
        return _DASH
    if dollars == int(dollars):
        return f"${format_count(int(dollars))}"
    whole, _, part = f"{dollars:,.6f}".rstrip("0").partition(".")
    return f"${whole.replace(',', _NARROW)}.{part.ljust(2, '0')}"


def format_day(day: datetime) -> str:
    """Return `21 Nov`."""
    return f"{day.day} {day:%b}"


def mark_time(instant: datetime | None, form: str = "minute") -> Markup:
    """Return an instant in UTC as an element that a script writes in the reader's own time.

    `form` is `minute` (21 Nov, 14:05), `second` (14:05:09) or `day` (21 November 2026).
    """
    if instant is None:
        return escape(_DASH)
    words = {
        "minute": f"{format_day(instant)}, {instant:%H:%M} UTC",
        "second": f"{instant:%H:%M:%S}",
        "day": f"{instant.day} {instant:%B %Y}",
    }[form]
    return Markup('<time datetime="{}" data-time="{}">{}</time>').format(
        instant.isoformat(timespec="seconds"), form, words
    )


def format_ago(instant: datetime | None) -> str:
    """Return how long ago: `now`, `4 min ago`, `3 h ago`, else the day."""
    if instant is None:
        return "never"
    seconds = (get_now() - instant).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min ago"
    if seconds < 86_400:
        return f"{seconds // 3600:.0f} h ago"
    return format_day(instant)
