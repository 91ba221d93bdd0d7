"""Where to go after signing in: a screen of Creator, never another site."""

from urllib.parse import urlencode, urlsplit

import orjson

HOME = "/creator/home"
SIGN_IN = "/creator/sign-in"
#: Where those go who have not been shown everything yet.
WELCOME = "/creator/welcome"
_LONGEST = 500
#: Pages that would lead in a circle, or that are half of an exchange with Google.
_NOT_BACK_TO = (SIGN_IN, "/creator/sign-out", "/creator/auth/", "/creator/google/")


def make_sign_in_path(next_path: str) -> str:
    """Return the address of the sign-in page that leads on to `next_path`."""
    path = check_next(next_path)
    return SIGN_IN if path == HOME else f"{SIGN_IN}?{urlencode({'next': path})}"


def check_next(path: str) -> str:
    """Return the path where it is a screen of Creator's, else its home."""
    if "\\" in path or not path.isprintable() or ".." in path:
        return HOME
    # It travels in a cookie (flows.py), as JSON: three must fit, whatever letters they are of.
    if len(orjson.dumps(path)) > _LONGEST:
        return HOME
    try:
        parts = urlsplit(path)
    except ValueError:
        return HOME
    is_ours = not parts.scheme and not parts.netloc and parts.path.startswith("/creator/")
    return path if is_ours and not parts.path.startswith(_NOT_BACK_TO) else HOME
