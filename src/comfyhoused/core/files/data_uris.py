"""Data URIs (RFC 2397): a file written into a text, in base64 or percent-encoded.

Decoded piece by piece, so that a long one neither fills memory twice nor holds up the process.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from comfyhoused.kit.errors import Unprocessable

_HEAD = re.compile(
    r"data:(?P<type>[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60})?"
    r"(?P<parameters>(?:;[a-z0-9.+-]{1,60}=[^;,\s]{0,200}){0,10})(?P<base64>;base64)?,",
    re.IGNORECASE,
)
_LONGEST_HEAD = 3_000
_VISIBLE = re.compile(r"[!-~]*")
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PIECE = 65_536  # characters; a multiple of the four that base64 writes three bytes with
# What base64 uses and some encoders escape, as in any other part of an address.
_ESCAPED = {"%2b": "+", "%2B": "+", "%2f": "/", "%2F": "/", "%3d": "=", "%3D": "="}


class DataUriUnreadable(Unprocessable):
    """The text after `data:` is not base64, nor percent-encoded bytes."""

    code = "data_uri_unreadable"
    title = "The data URI cannot be read"


@dataclass(frozen=True, slots=True)
class DataUri:
    """A data URI that is still to be decoded. `declared_type` is None where it names none."""

    declared_type: str | None
    is_base64: bool
    content: str

    async def decode(self) -> AsyncIterator[bytes]:
        """Yield the bytes; raises DataUriUnreadable when it comes to what cannot be read."""
        pieces = _decode_base64(self.content) if self.is_base64 else _decode_plain(self.content)
        for piece in pieces:
            yield piece


def is_data_uri(text: str) -> bool:
    """Tell whether a text means to be a data URI, right or wrong."""
    return text[:5].lower() == "data:"


def parse_data_uri(text: str) -> DataUri:
    """Read the head of a data URI; raises DataUriUnreadable."""
    match = _HEAD.match(text, 0, _LONGEST_HEAD)
    if match is None:
        raise DataUriUnreadable("It has the form data:image/png;base64,… .")
    declared = match["type"]
    return DataUri(
        declared_type=declared.lower() if declared else None,
        is_base64=match["base64"] is not None,
        content=text[match.end() :],
    )


def _decode_base64(content: str) -> Iterator[bytes]:
    if "%" in content:
        for escaped, char in _ESCAPED.items():
            content = content.replace(escaped, char)
    content = content.rstrip("=") if len(content) % 4 else content
    content += "=" * (-len(content) % 4)  # some encoders leave the padding out
    for start in range(0, len(content), _PIECE):
        is_last = start + _PIECE >= len(content)
        piece = content[start : start + _PIECE]
        if not is_last and piece.endswith("="):
            raise DataUriUnreadable("Its base64 goes on after its end.")
        try:
            yield b64decode(piece, validate=True)
        except (binascii.Error, ValueError) as error:  # the latter: it is not ASCII
            raise DataUriUnreadable("It is not valid base64.") from error


def _decode_plain(content: str) -> Iterator[bytes]:
    start = 0
    while start < len(content):
        end = start + _PIECE
        # An escape is three characters and must stay in one piece.
        cut = content.find("%", end - 2, end)
        if cut >= 0:
            end = cut + 3
        piece = content[start:end]
        if _VISIBLE.fullmatch(piece) is None or _LONE_PERCENT.search(piece):
            raise DataUriUnreadable("Bytes that are not visible ASCII are written %00 to %FF.")
        # Quoted-printable is the same code with another mark, and its decoder is written in C:
        # ten million escapes of a hostile request must not cost seconds.
        yield binascii.a2b_qp(piece.replace("=", "=3D").replace("%", "="))
        start = end
