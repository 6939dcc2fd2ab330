"""Heads of requests that can be read in one way only: whatever two servers may read differently is refused.

A proxy and this server have to agree where a request ends; otherwise a sender hides a second one in the first.
h11 is lenient where old clients were: it prefers ``Transfer-Encoding`` to ``Content-Length`` where both are
there, joins folded lines, takes a line feed for the end of a line, passes over extensions of chunks and takes
``5, 5`` for one length. This reads the same bytes before h11 does and takes none of that (RFC 9112, 6.3 and 11.2).
"""

import re
from collections import Counter

from h11 import LocalProtocolError
from h11._receivebuffer import ReceiveBuffer, blank_line_regex

_BARE_BREAK = re.compile(rb"(?<!\r)\n|\r(?!\n)")
_FOLDED = re.compile(rb"\n[ \t]")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_CHUNK_HEAD = re.compile(rb"[0-9A-Fa-f]{1,15}\r\n")
_REQUEST_LINE = re.compile(rb"[^ ]+ [^ ]+ HTTP/1\.([01])")


class StrictBuffer(ReceiveBuffer):
    """What h11 reads from, which refuses lines that could mean two things.

    The base class is not part of h11's interface: tests on a real socket notice when it changes.
    """

    def maybe_extract_lines(self) -> list[bytearray] | None:
        """Extract a head, or the lines after the last chunk; raise for one that is ambiguous."""
        if self._data[:1] == b"\n":
            raise LocalProtocolError("a line ends with a bare line feed")
        if self._data[:2] != b"\r\n" and (
            end := blank_line_regex.search(self._data, self._multiple_lines_search)
        ):
            check_head(bytes(self._data[: end.end()]))
        lines: list[bytearray] | None = super().maybe_extract_lines()
        return lines

    def maybe_extract_next_line(self) -> bytearray | None:
        """Extract the head of a chunk: its size and nothing else."""
        line: bytearray | None = super().maybe_extract_next_line()
        if line is not None and not _CHUNK_HEAD.fullmatch(line):
            raise LocalProtocolError("a chunk has more than a size")
        return line


def check_head(head: bytes) -> None:
    """Raise ``LocalProtocolError`` where a head, or lines after the last chunk, can be read in two ways."""
    if _BARE_BREAK.search(head) or _FOLDED.search(head):
        raise LocalProtocolError("a line is folded, or does not end as it should")
    first, *lines = head.rstrip(b"\r\n").split(b"\r\n")
    is_request = b":" not in first.split(b" ", 1)[0]
    fields = [line.partition(b":") for line in (lines if is_request else [first, *lines])]
    names = Counter(name.lower() for name, _, _ in fields)
    lengths, codings = names[b"content-length"], names[b"transfer-encoding"]
    if lengths + codings > (1 if is_request else 0):
        raise LocalProtocolError("the end of the body is said twice")
    for name, _, value in fields:
        if name.lower() == b"content-length" and not _LENGTH.fullmatch(value.strip(b" \t")):
            raise LocalProtocolError("the length is no number")
    version = _REQUEST_LINE.fullmatch(first)
    if is_request and (version is None or (codings and version[1] == b"0")):
        raise LocalProtocolError("not a request of HTTP/1.0 or HTTP/1.1, or chunked in HTTP/1.0")
