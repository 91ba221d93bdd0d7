"""Reading one file out of a multipart/form-data body while it arrives, without keeping it.

Starlette's own form parser writes every file to disk before a route sees it, however large.
"""

from collections import deque
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from comfyhoused.kit.errors import InvalidRequest


class MalformedForm(InvalidRequest):
    """A multipart/form-data body breaks its own rules, ends early or has no field `file`."""

    code = "malformed_form"
    title = "The form cannot be read"


@dataclass(frozen=True, slots=True)
class FilePart:
    """The file of a form: the type its sender gave it, and its bytes (to be read once)."""

    declared_type: str | None
    chunks: AsyncIterator[bytes]


async def open_file_part(content_type: str, body: AsyncIterable[bytes]) -> FilePart:
    """Read up to the field called `file`; fields before it are skipped. Raises MalformedForm."""
    form = _Form(_read_boundary(content_type))
    stream = aiter(body)
    while not form.is_found:
        if not await form.advance(stream):
            raise MalformedForm("The form has no field `file`.")
    return FilePart(form.declared_type, _read_part(form, stream))


async def _read_part(form: "_Form", stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    while True:
        while form.pieces:
            yield form.pieces.popleft()
        if form.is_over:
            return
        if not await form.advance(stream):
            raise MalformedForm("The form ends in the middle of the file.")


def _read_boundary(content_type: str) -> bytes:
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 0 < len(boundary) <= 200:
        raise MalformedForm("The Content-Type names no boundary.")
    return boundary


class _Form:
    """What the parser has said so far. Bytes of other fields are dropped at once."""

    def __init__(self, boundary: bytes) -> None:
        self.declared_type: str | None = None
        self.is_found = False
        self.is_over = False
        self.pieces: deque[bytes] = deque()
        self._header, self._value = b"", b""
        self._headers: dict[bytes, bytes] = {}
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._headers.clear,
                "on_header_field": self._add_to_name,
                "on_header_value": self._add_to_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._end_headers,
                "on_part_data": self._add_data,
                "on_part_end": self._end_part,
            },
        )

    async def advance(self, stream: AsyncIterator[bytes]) -> bool:
        """Take one chunk of the body; False when there is none."""
        chunk = await anext(stream, None)
        if chunk is None:
            return False
        try:
            self._parser.write(chunk)
        except MultipartParseError as error:
            raise MalformedForm("Its parts are not separated as its boundary says.") from error
        return True

    def _add_to_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add_to_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header, self._value = b"", b""

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        if options.get(b"name") != b"file" or self.is_found:
            return
        self.is_found = True
        declared_type = self._headers.get(b"content-type")
        self.declared_type = declared_type.decode("latin-1") if declared_type else None

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if self.is_found and not self.is_over:
            self.pieces.append(data[start:end])

    def _end_part(self) -> None:
        self.is_over = self.is_found
