"""Links to objects that we serve ourselves: signed, expiring, no look-up needed.

`/files/raw/{key}?expires=&type=&name=&etag=&signature=`: the signature (HMAC-SHA256) covers
the key and every parameter, so a link says by itself how its object is to be served.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode

from comfyhoused.kit.clock import get_now_ms
from comfyhoused.kit.crypto import is_signature_valid, make_signature
from comfyhoused.kit.errors import Forbidden

LINK_PATH = "/files/raw/"


class LinkInvalid(Forbidden):
    """The link was not made by us, or has been changed."""

    code = "link_invalid"
    title = "This link was not made by us"


class LinkExpired(Forbidden):
    """The link was ours, but its time is over."""

    code = "link_expired"
    title = "This link has expired"


@dataclass(frozen=True, slots=True)
class LinkTerms:
    """How an object is served: `expires` in seconds since the epoch, `etag` may be empty."""

    expires: int
    content_type: str
    filename: str
    etag: str

    def make_parameters(self) -> dict[str, str]:
        """Return the terms as parameters of a query."""
        return {
            "expires": str(self.expires),
            "type": self.content_type,
            "name": self.filename,
            "etag": self.etag,
        }

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> Self:
        """Return the terms in a query; raises LinkInvalid."""
        try:
            return cls(
                expires=int(parameters["expires"]),
                content_type=parameters["type"],
                filename=parameters["name"],
                etag=parameters["etag"],
            )
        except (KeyError, ValueError) as error:
            raise LinkInvalid("A part of the link is missing.") from error


def make_path(secret: bytes, key: str, terms: LinkTerms) -> str:
    """Return the signed path and query of an object's link."""
    parameters = terms.make_parameters()
    signature = make_signature(secret, _make_message(key, parameters))
    return f"{LINK_PATH}{key}?{urlencode({**parameters, 'signature': signature})}"


def verify_link(secret: bytes, key: str, parameters: Mapping[str, str]) -> LinkTerms:
    """Return the terms of a link somebody followed; raises LinkInvalid, LinkExpired."""
    terms = LinkTerms.read(parameters)
    message = _make_message(key, terms.make_parameters())
    if not is_signature_valid(secret, message, parameters.get("signature", "")):
        raise LinkInvalid("Ask for the file again to get a fresh link.")
    if terms.expires * 1000 <= get_now_ms():
        raise LinkExpired("Ask for the file again to get a fresh link.")
    return terms


def _make_message(key: str, parameters: Mapping[str, str]) -> str:
    return f"{key}?{urlencode(parameters)}"
