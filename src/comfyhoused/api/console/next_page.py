"""Where to go after signing in: a page of the console, never another site."""

from urllib.parse import urlencode, urlsplit

HOME = "/console"
SIGN_IN = "/console/sign-in"


def make_sign_in_path(next_path: str) -> str:
    """Return the address of the sign-in page that leads on to `next_path`."""
    path = check_next(next_path)
    return SIGN_IN if path == HOME else f"{SIGN_IN}?{urlencode({'next': path})}"


def check_next(path: str) -> str:
    """Return the path where it lies in the console, else the console's first page."""
    parts = urlsplit(path)
    is_ours = not parts.scheme and not parts.netloc and "\\" not in path and path.isprintable()
    is_console = parts.path == HOME or parts.path.startswith(f"{HOME}/")
    is_sign_in = parts.path.startswith((SIGN_IN, "/console/sign-out"))
    return path if is_ours and is_console and not is_sign_in and len(path) <= 500 else HOME
