"""Which house and which key the command uses, and where that is kept."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from comfyhouse import Client
from comfyhouse.cli.output import fail

_DEFAULT_URL = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class Login:
    """An address and a key."""

    url: str
    api_key: str


def get_path() -> Path:
    """Return the file that `login` writes; COMFYHOUSE_CONFIG names another."""
    named = os.environ.get("COMFYHOUSE_CONFIG")
    return Path(named) if named else Path(platformdirs.user_config_dir("comfyhouse")) / "login.json"


def save_login(login: Login) -> Path:
    """Keep a login, readable by this user alone."""
    path = get_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(json.dumps({"url": login.url, "api_key": login.api_key}) + "\n")
    return path


def read_login() -> Login:
    """Return the login: the environment wins over the file."""
    kept: dict[str, str] = {}
    try:
        kept = json.loads(get_path().read_text())
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        fail(f"{get_path()} cannot be read: {error}. Run `comfyhouse login` again.")
    api_key = os.environ.get("COMFYHOUSE_API_KEY") or kept.get("api_key", "")
    if not api_key:
        fail("No key yet. Run `comfyhouse login`, or set COMFYHOUSE_API_KEY.")
    return Login(os.environ.get("COMFYHOUSE_URL") or kept.get("url", _DEFAULT_URL), api_key)


def open_client() -> Client:
    """Return a client with the login."""
    login = read_login()
    return Client(login.api_key, base_url=login.url)
