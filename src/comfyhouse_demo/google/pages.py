"""Pages for people. Each says at its head that it is a demo and not Google."""

from pathlib import Path

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def _write_size(size_bytes: int) -> str:
    for unit, limit in (("MB", 1_000_000), ("kB", 1000)):
        if size_bytes >= limit:
            return f"{size_bytes / limit:.1f} {unit}"
    return f"{size_bytes} bytes"


_templates.filters["size"] = _write_size


def render(name: str, status: int = 200, **values: object) -> web.Response:
    """Return the page."""
    text = _templates.get_template(name).render(**values)
    return web.Response(text=text, status=status, content_type="text/html", headers=_HEADERS)
