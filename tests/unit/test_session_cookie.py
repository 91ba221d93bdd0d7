"""The session cookie is for TLS alone wherever browsers come by TLS."""

from types import SimpleNamespace
from typing import Any

import pytest

from comfyhoused.api.session_cookie import is_reached_by_tls
from comfyhoused.settings import HttpSettings


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
