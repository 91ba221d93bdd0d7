"""Numbers and texts as people read them. What is not known is a dash, never a guess."""

from markupsafe import Markup, escape

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
