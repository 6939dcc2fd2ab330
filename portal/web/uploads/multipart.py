"""Reads ``multipart/form-data`` piece by piece: bytes in, events out, nothing kept but one header.

The parser beneath does not bound what it is given, and the framework's own form reading puts every
file on disk before anyone has looked at the fields. Here the bounds are part of the reading.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

if TYPE_CHECKING:  # a type that exists for checkers only
    from python_multipart.multipart import MultipartCallbacks

MAX_PARTS = 20
MAX_HEADERS = 8
MAX_HEADER_BYTES = 4096
MAX_BOUNDARY_BYTES = 70
"""RFC 2046, section 5.1.1."""


class MalformedFormError(Exception):
    """The body is not a form, or not a whole one."""


@dataclass(frozen=True, slots=True)
class PartBegins:
    """A field, or a file if it has a name of its own."""

    name: str
    filename: str | None


@dataclass(frozen=True, slots=True)
class PartData:
    """A piece of the part that began last."""

    data: bytes | memoryview
    """What was fed, or a part of it, without copying it."""


@dataclass(frozen=True, slots=True)
class PartEnds:
    """The part that began last is whole."""


Event = PartBegins | PartData | PartEnds


class FormReader:
    """Turns the pieces of a body into events, wherever the pieces were cut."""

    def __init__(self, content_type: str) -> None:
        self._events: list[Event] = []
        self._parts = 0
        self._is_complete = False
        self._disposition = b""
        self._header_name = b""
        self._header_value = b""
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._on_part_begin,
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": self._on_part_data,
            "on_part_end": self._on_part_end,
            "on_end": self._on_end,
        }
        self._parser = MultipartParser(
            _boundary(content_type),
            callbacks,
            max_header_count=MAX_HEADERS,
            max_header_size=MAX_HEADER_BYTES,
        )

    def feed(self, data: bytes) -> Iterator[Event]:
        """Return the events that a piece completes; raise ``MalformedFormError`` when it makes no sense."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise MalformedFormError("The form could not be read.") from error
        events, self._events = self._events, []
        return iter(events)

    def close(self) -> None:
        """Say that the body is over; raise ``MalformedFormError`` if it broke off."""
        if not self._is_complete:
            raise MalformedFormError("The upload broke off before it was complete.")

    def _on_part_begin(self) -> None:
        self._parts += 1
        self._disposition = b""
        if self._parts > MAX_PARTS:
            raise MalformedFormError("The form has too many parts.")

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value
        self._header_name = self._header_value = b""

    def _on_headers_finished(self) -> None:
        kind, options = parse_options_header(self._disposition)
        if kind != b"form-data" or b"name" not in options:
            raise MalformedFormError("The form has a part without a name.")
        filename = options.get(b"filename")
        self._events.append(
            PartBegins(
                options[b"name"].decode("utf-8", "replace"),
                _extended_filename(self._disposition)
                if filename is None
                else filename.decode("utf-8", "replace"),
            )
        )

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._events.append(PartData(memoryview(data)[start:end]))

    def _on_part_end(self) -> None:
        self._events.append(PartEnds())

    def _on_end(self) -> None:
        self._is_complete = True


def _extended_filename(disposition: bytes) -> str | None:
    """Return the name of a file that is given in the form of RFC 5987 alone, as older clients do; None without.

    RFC 7578, 4.2 forbids the form here, and says nothing of how else such a part would be a file.
    """
    if b"filename*" not in disposition.lower():
        return None
    message = Message()
    message["content-disposition"] = disposition.decode("latin-1")
    return message.get_filename()


def _boundary(content_type: str) -> bytes:
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 0 < len(boundary) <= MAX_BOUNDARY_BYTES:
        raise MalformedFormError("The form was not sent as multipart/form-data.")
    return boundary
