"""What Google gives: permissions, and its word on who somebody is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

#: Files that we made or were given; the whole Drive.
DRIVE_FILE = "https://www.googleapis.com/auth/drive.file"
DRIVE = "https://www.googleapis.com/auth/drive"

_LONGEST_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Grant:
    """Tokens, and what they are good for. `scopes` is what was granted, not what was asked."""

    access_token: str = field(repr=False)
    expires_in_seconds: int
    scopes: frozenset[str]
    refresh_token: str = field(default="", repr=False)
    id_token: str = field(default="", repr=False)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Read the answer of the token endpoint; raises KeyError or ValueError where it is none."""
        token = document["access_token"]
        if not isinstance(token, str) or not token:
            raise ValueError("access_token")
        return cls(
            access_token=token,
            expires_in_seconds=min(int(document.get("expires_in", 3600)), _LONGEST_SECONDS),
            scopes=frozenset(str(document.get("scope", "")).split()),
            refresh_token=str(document.get("refresh_token", "")),
            id_token=str(document.get("id_token", "")),
        )


@dataclass(frozen=True, slots=True)
class Identity:
    """A Google account. `sub` is who it is, for ever; the address may change or be another's."""

    sub: str
    email: str
    name: str = ""
