from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from site_config.errors import SettingsError
from site_config.yaml_document import SIZE_LIMIT, read_document


@pytest.fixture
def written(tmp_path):
    def write(content):
        file = tmp_path / "file.yaml"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return write


def test_scalars_stay_as_they_were_written(written):
    document = read_document(
        written("a: 1.10\nb: no\nc: 0640\nd: 2026-12-01T00:00:00Z\ne: '~'\nf: ~\ng:\nh: 1:30\n")
    )

    assert document.value == {
        "a": "1.10",
        "b": "no",
        "c": "0640",
        "d": "2026-12-01T00:00:00Z",
        "e": "~",
        "f": None,
        "g": None,
        "h": "1:30",
    }


def test_every_key_and_element_knows_its_line(written):
    document = read_document(written("a:\n  b: 1\n  c: [x,\n    y]\nd: {e: 2}\n"))

    assert document.lines == {
        (): 1,
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "c"): 3,
        ("a", "c", 0): 3,
        ("a", "c", 1): 4,
        ("d",): 5,
        ("d", "e"): 5,
    }


def test_a_byte_order_mark_is_passed_over(written):
    assert read_document(written(b"\xef\xbb\xbfa: 1\n")).value == {"a": "1"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("a: 1\na: 2\n", ":2: a: is here twice, first on line 1", id="duplicate"),
        pytest.param(
            "a:\n  b: 1\n  c: 1\n  b: 2\n",
            ":4: a.b: is here twice, first on line 2",
            id="duplicate-inside",
        ),
        pytest.param("a: 1\nb: [1\nc: 2\n", ":3: expected ',' or ']', but got ':'", id="syntax"),
        pytest.param("a: 1\n\tb: 2\n", ":2: found character '\\t' that cannot start", id="tab"),
        pytest.param("a: &x 1\nb: *x\n", ":2: anchors and aliases are not used here", id="alias"),
        pytest.param("a: &x [*x]\n", ":1: anchors and aliases are not used here", id="recursion"),
        pytest.param("a: 1\n? [b]\n: 2\n", ":2: has a key that is not a word", id="list-as-key"),
        pytest.param(b"a: 1\nb: \xff\n", ":2: is not UTF-8 text", id="latin-1"),
        pytest.param("a: 1\nb: \x07\n", ":2: holds a control character", id="bell"),
        pytest.param("", ":1: must hold keys with values, as in 'site: ...'", id="empty"),
        pytest.param("- a\n", ":1: must hold keys with values, as in 'site: ...'", id="list"),
        pytest.param("a: 1\n---\nb: 1\n", ":2: but found another document", id="two-documents"),
        pytest.param("[" * 100_000, ": is nested too deeply", id="depth"),
        pytest.param("a: " + "x" * SIZE_LIMIT, ": is larger than 256 KiB", id="size"),
    ],
)
def test_what_is_not_one_plain_mapping_is_refused(written, content, message):
    file = written(content)

    with pytest.raises(SettingsError) as caught:
        read_document(file)

    assert str(caught.value).removeprefix(str(file)).startswith(message)
    assert len(caught.value.problems) == 1


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SettingsError) as caught:
        read_document(tmp_path / "site.yaml")

    assert str(caught.value) == f"{tmp_path}/site.yaml: cannot be read: No such file or directory"


def test_a_tag_creates_nothing(written):
    document = read_document(written("a: !!python/object/apply:os.system [echo]\n"))

    assert document.value == {"a": ["echo"]}


@given(content=st.binary(max_size=200))
def test_arbitrary_bytes_are_read_or_refused(tmp_path_factory, content):
    file = tmp_path_factory.mktemp("yaml") / "file.yaml"
    file.write_bytes(content)

    with suppress(SettingsError):
        read_document(file)
