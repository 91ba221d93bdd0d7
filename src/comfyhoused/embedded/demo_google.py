"""The demo that plays Google where no Google project is named: for trying Creator, never more."""

import importlib.util
from pathlib import Path
from urllib.parse import urlsplit

from comfyhoused.embedded.child import Part
from comfyhoused.embedded.errors import CannotStart
from comfyhoused.embedded.house import is_ok
from comfyhoused.embedded.ports import check_port, find_free_port
from comfyhoused.embedded.programs import make_google_command
from comfyhoused.settings import DEMO_CLIENT_ID, Settings

_MODULE = "comfyhouse_demo"
_SECRET = "demo-secret-not-google"  # noqa: S105  it opens nothing but the demo


def is_wanted(settings: Settings) -> bool:
    """Tell whether the demo plays Google: never in production, whose image does not hold it."""
    is_named = settings.google.google_client_id is not None
    is_here = importlib.util.find_spec(_MODULE) is not None
    return is_here and not is_named and settings.house.mode != "production"


def make_google(settings: Settings, folder: Path, url: str) -> tuple[Part, dict[str, str]]:
    """Return the demo, and what the house is told so that it takes it for Google.

    `url` is where the house answers. Port and data stay the same, so that links into the demo
    and whoever is connected to it outlive a restart.
    """
    host = settings.http.host
    port = _keep_port(folder, host)
    own = f"http://{_find_name(settings, url)}:{port}"
    command = make_google_command(
        *("--host", host, "--port", str(port), "--data", str(folder)),
        *("--public-url", own, "--client-id", DEMO_CLIENT_ID, "--client-secret", _SECRET),
        *("--origin", url, "--origin", _find_origin(settings.http.public_url or url)),
        "--with-user",
    )

    async def is_ready() -> bool:
        return await is_ok(f"http://{urlsplit(url).netloc.rpartition(':')[0]}:{port}/drive")

    return Part("google", command, is_ready), _make_environment(settings, own)


def _make_environment(settings: Settings, own: str) -> dict[str, str]:
    environment = {
        "CH_GOOGLE_CLIENT_ID": DEMO_CLIENT_ID,
        "CH_GOOGLE_CLIENT_SECRET": _SECRET,
        "CH_GOOGLE_ISSUER": own,
        "CH_GOOGLE_API_URL": own,
        "CH_GOOGLE_PICKER_URL": f"{own}/o/oauth2/v2/auth",
    }
    if "google_full_drive" not in settings.google.model_fields_set:
        environment["CH_GOOGLE_FULL_DRIVE"] = "true"
    return environment


def _keep_port(folder: Path, host: str) -> int:
    """Return the port of before where it is free, else a new one, which is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / "port"
    if place.exists() and (text := place.read_text().strip()).isdigit():
        try:
            check_port(host, int(text))
        except CannotStart:
            pass
        else:
            return int(text)
    port = find_free_port()
    place.write_text(f"{port}\n")
    return port


def _find_name(settings: Settings, url: str) -> str:
    """Return the name under which browsers reach this machine."""
    public = settings.http.public_url
    name = urlsplit(public or url).hostname or "127.0.0.1"
    return f"[{name}]" if ":" in name else name


def _find_origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
