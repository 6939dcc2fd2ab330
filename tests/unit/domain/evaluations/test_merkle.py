"""The digest of a data directory."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.evaluations.merkle import differences, tree

RECORDS = st.lists(st.binary(max_size=8), max_size=40)


def _as_the_rfc_writes_it(records: Sequence[bytes]) -> bytes:
    """RFC 6962, section 2.1: split at the largest power of two below the number of leaves."""
    if not records:
        return hashlib.sha256().digest()
    if len(records) == 1:
        return hashlib.sha256(b"\x00" + records[0]).digest()
    split = 1
    while split * 2 < len(records):
        split *= 2
    left, right = (_as_the_rfc_writes_it(part) for part in (records[:split], records[split:]))
    return hashlib.sha256(b"\x01" + left + right).digest()


@given(RECORDS)
def test_the_root_is_that_of_the_definition(records: list[bytes]) -> None:
    assert tree(records).root == _as_the_rfc_writes_it(records).hex()
    assert tree(records).leaves == len(records)


@given(RECORDS.filter(bool), st.data())
def test_another_record_gives_another_root(records: list[bytes], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(records) - 1))
    other = [*records]
    other[place] += b"x"

    assert tree(other).root != tree(records).root


def test_a_leaf_cannot_be_taken_for_a_node() -> None:
    inner = hashlib.sha256(b"\x00a").digest() + hashlib.sha256(b"\x00b").digest()

    assert tree([b"a", b"b"]).root != tree([inner]).root


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        pytest.param([b"a"], [b"a"], [], id="none"),
        pytest.param([b"a", b"c"], [b"b", b"c"], [("-", b"a"), ("+", b"b")], id="changed"),
        pytest.param([], [b"a"], [("+", b"a")], id="added"),
        pytest.param([b"a", b"b"], [b"a"], [("-", b"b")], id="removed"),
        pytest.param([b""], [], [("-", b"")], id="an-empty-record"),
    ],
)
def test_differences_name_what_went_and_what_came(
    before: list[bytes], after: list[bytes], found: list[tuple[str, bytes]]
) -> None:
    assert list(differences(before, after)) == found
