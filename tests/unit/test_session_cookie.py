"""The session cookie is for TLS alone wherever browsers come by TLS."""

from types import SimpleNamespace
from typing import Any

import pytest

from comfyhoused.settings import HttpSettings
from comfyhoused.web.session_cookie import SessionCookie, is_reached_by_tls


@pytest.mark.parametrize(
    ("scheme", "public_url", "is_secure"),
    [
        ("https", None, True),
        ("http", "https://house.example", True),
        ("http", "http://127.0.0.1:8000", False),
        ("http", None, False),
    ],
)
def test_a_proxy_may_have_ended_the_tls(
    scheme: str, public_url: str | None, is_secure: bool
) -> None:
    settings = SimpleNamespace(http=HttpSettings(public_url=public_url))
    house = SimpleNamespace(resources=SimpleNamespace(settings=settings))
    scope: dict[str, Any] = {
        "scheme": scheme,
        "app": SimpleNamespace(state=SimpleNamespace(house=house)),
    }

    assert is_reached_by_tls(scope) is is_secure


@pytest.mark.parametrize(
    ("is_host_bound", "is_secure", "name"),
    [
        (False, True, "visitor"),
        (True, False, "visitor"),
        (True, True, "__Host-visitor"),
    ],
)
def test_only_by_tls_can_a_cookie_be_bound_to_its_host(
    is_host_bound: bool, is_secure: bool, name: str
) -> None:
    cookie = SessionCookie("visitor", 60, is_host_bound)

    written = cookie.write("secret", is_secure)

    assert written.startswith(f"{name}=secret; ")
    assert ("Secure" in written) is is_secure
    for attribute in ("HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=60"):
        assert attribute in written
    assert "Domain" not in written


def test_an_empty_cookie_is_taken_away_at_once() -> None:
    assert "Max-Age=0" in SessionCookie("visitor", 60).write("", is_secure=False)
