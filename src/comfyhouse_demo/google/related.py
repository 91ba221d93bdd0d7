"""A `multipart/related` body: metadata, then bytes. Lines end as their writer ends them."""

from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser

from comfyhouse_demo.google.failures import Refusal


@dataclass(frozen=True, slots=True)
class Part:
    """One part, with its bytes as they are."""

    content_type: str
    content: bytes


def read_parts(content_type: str, body: bytes) -> tuple[Part, Part]:
    """Return the two parts; raises Refusal where there are not two."""
    head = Message()
    head["Content-Type"] = content_type
    boundary = head.get_boundary()
    if head.get_content_maintype() != "multipart" or not boundary:
        raise _make_refusal()
    pieces = body.split(f"--{boundary}".encode())
    # What stands before the first boundary and after the last is nobody's.
    if len(pieces) != 4 or not pieces[3].startswith(b"--"):
        raise _make_refusal()
    return _read_part(pieces[1]), _read_part(pieces[2])


def _read_part(piece: bytes) -> Part:
    line_end = b"\r\n" if piece.startswith(b"\r\n") else b"\n"
    inner = piece.removeprefix(line_end).removesuffix(line_end)
    head, separator, content = inner.partition(line_end * 2)
    if not separator:
        raise _make_refusal()
    parsed = BytesParser().parsebytes(head + line_end * 2, headersonly=True)
    return Part(parsed.get("Content-Type", "application/octet-stream"), content)


def _make_refusal() -> Refusal:
    return Refusal(400, "badContent", "A multipart/related body of two parts is needed.")
