"""Reading a form piece by piece gives the same, wherever the pieces are cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.web.uploads.multipart import (
    MAX_HEADER_BYTES,
    MAX_PARTS,
    FormReader,
    MalformedFormError,
    PartBegins,
    PartData,
)

TYPE = "multipart/form-data; boundary=frontier"
Parts = list[tuple[str, str | None, bytes]]

# Content made of what a boundary is made of, so that half matches at a cut are common.
contents = st.lists(
    st.sampled_from(
        [b"\r", b"\n", b"-", b"--", b"\r\n--", b"\r\n--front", b"frontier", b"\x00", b"a"]
    )
).map(b"".join)


def _body(parts: Parts) -> bytes:
    body = b""
    for name, filename, content in parts:
        named = f'; filename="{filename}"' if filename is not None else ""
        head = f'--frontier\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
        body += head.encode() + content + b"\r\n"
    return body + b"--frontier--\r\n"


def _read(pieces: list[bytes]) -> Parts:
    reader = FormReader(TYPE)
    parts: Parts = []
    for piece in pieces:
        for event in reader.feed(piece):
            if isinstance(event, PartBegins):
                parts.append((event.name, event.filename, b""))
            elif isinstance(event, PartData):
                name, filename, content = parts[-1]
                parts[-1] = (name, filename, content + event.data)
    reader.close()
    return parts


def _cut(body: bytes, places: list[int]) -> list[bytes]:
    cuts = [0, *sorted(place % len(body) for place in places), len(body)]
    return [body[a:b] for a, b in pairwise(cuts)]


@given(
    content=contents.filter(lambda c: b"\r\n--frontier" not in b"\r\n" + c),
    places=st.lists(st.integers(min_value=0, max_value=10_000), max_size=8),
)
def test_the_cuts_make_no_difference(content: bytes, places: list[int]) -> None:
    parts: Parts = [("note", None, b"a note"), ("file", "a b.zip", content)]

    assert _read(_cut(_body(parts), places)) == parts


def test_one_byte_at_a_time_is_enough() -> None:
    parts: Parts = [("kind", None, b"code"), ("file", "x.zip", b"\r\n--fronti\r\n")]
    body = _body(parts)

    assert _read([bytes([byte]) for byte in body]) == parts


@given(st.binary(max_size=300))
def test_any_bytes_are_a_form_or_refused(body: bytes) -> None:
    reader = FormReader(TYPE)
    try:
        list(reader.feed(body))
        reader.close()
    except MalformedFormError:
        return
    pytest.fail("a form without the boundary was taken")


def test_a_missing_last_boundary_is_noticed() -> None:
    reader = FormReader(TYPE)
    list(reader.feed(_body([("a", None, b"b")])[: -len("--\r\n")]))

    with pytest.raises(MalformedFormError, match="broke off"):
        reader.close()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(_body([(f"f{n}", None, b"") for n in range(MAX_PARTS + 1)]), id="parts"),
        pytest.param(_body([("n" * (MAX_HEADER_BYTES + 1), None, b"")]), id="long-header"),
        pytest.param(
            b"--frontier\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(20)) + b"\r\n",
            id="headers",
        ),
        pytest.param(b"--frontier\r\nContent-Disposition: form-data\r\n\r\n", id="no-name"),
        pytest.param(b'--frontier\r\nContent-Disposition: inline; name="a"\r\n\r\n', id="inline"),
    ],
)
def test_more_than_the_bounds_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedFormError):
        list(FormReader(TYPE).feed(body))


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "multipart/form-data", "multipart/form-data; boundary=" + "b" * 71],
)
def test_a_content_type_without_usable_boundary_is_refused(content_type: str) -> None:
    with pytest.raises(MalformedFormError):
        FormReader(content_type)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("filename*=utf-8''soumission_%C3%A9t%C3%A9.zip", "soumission_\u00e9t\u00e9.zip"),
        ("filename*=UTF-8'fr'a%20b.zip", "a b.zip"),
        ("FileName*=iso-8859-1''%E9.zip", "\u00e9.zip"),
        ("filename=\"plain.zip\"; filename*=utf-8''other.zip", "plain.zip"),
        ("filename*=nonsense''x.zip", "x.zip"),
        ("filename*=x.zip", "x.zip"),
    ],
)
def test_the_name_of_a_file_in_the_form_of_rfc_5987(given: str, name: str) -> None:
    head = f'--frontier\r\nContent-Disposition: form-data; name="file"; {given}\r\n\r\n'
    body = head.encode() + b"content\r\n--frontier--\r\n"

    assert _read([body]) == [("file", name, b"content")]
