"""Pages: Jinja templates rendered under a policy that allows only what we serve ourselves."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from comfyhoused.web.assets import ASSETS
from comfyhoused.web.words import (
    format_ago,
    format_bytes,
    format_cents,
    format_count,
    format_day,
    format_dollars,
    format_micros,
    format_seconds,
    mark_code,
    mark_time,
)

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    # Our own addresses may say what a person works on; other sites need not know.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_FILTERS: dict[str, Callable[..., str]] = {
    "ago": format_ago,
    "bytes": format_bytes,
    "cents": format_cents,
    "code": mark_code,
    "count": format_count,
    "day": format_day,
    "dollars": format_dollars,
    "micros": format_micros,
    "seconds": format_seconds,
    "time": mark_time,
}


class Pages:
    """The templates of one product over the shared ones of the look."""

    def __init__(self, folder: Path) -> None:
        shared = Path(__file__).parent / "templates"
        self._environment = Environment(
            loader=ChoiceLoader([FileSystemLoader(folder), FileSystemLoader(shared)]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals["asset"] = ASSETS.get_url
        self._environment.filters |= _FILTERS

    def render(
        self,
        template: str,
        *,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        **context: Any,
    ) -> HTMLResponse:
        """Return the page; `headers` are sent beside the policy."""
        text = self._environment.get_template(template).render(context)
        return HTMLResponse(text, status_code, headers={**_HEADERS, **(headers or {})})
