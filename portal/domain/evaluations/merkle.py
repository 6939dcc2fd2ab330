"""The digest of a data directory: a Merkle tree over what lies in it.

The leaves are records, one for each directory, link and file, in the order of their bytes; the tree is
that of RFC 6962, section 2.1. With it one can show that a file belonged to the data without showing the others.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_LEAF, _NODE = b"\x00", b"\x01"


@dataclass(frozen=True, slots=True)
class Tree:
    """What a sequence of leaves comes to."""

    root: str
    """Hex sha256. That of no leaves is the sha256 of nothing."""
    leaves: int


def tree(records: Iterable[bytes]) -> Tree:
    """Return the tree of records, in memory that does not grow with their number but by its logarithm."""
    # The whole subtrees so far, the largest first; each with the number of its leaves.
    whole: list[tuple[int, bytes]] = []
    leaves = 0
    for record in records:
        leaves += 1
        size, digest = 1, hashlib.sha256(_LEAF + record).digest()
        while whole and whole[-1][0] == size:
            digest = _join(whole.pop()[1], digest)
            size *= 2
        whole.append((size, digest))
    if not whole:
        return Tree(hashlib.sha256().hexdigest(), 0)
    _, root = whole.pop()
    while whole:
        root = _join(whole.pop()[1], root)
    return Tree(root.hex(), leaves)


def _join(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(_NODE + left + right).digest()


def differences(before: Iterable[bytes], after: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """Give what was removed (``-``) and added (``+``) between two sequences of records in order."""
    first, second = iter(before), iter(after)
    left, right = next(first, None), next(second, None)
    while left is not None or right is not None:
        if right is None or (left is not None and left < right):
            yield "-", left or b""
            left = next(first, None)
        elif left is None or right < left:
            yield "+", right
            right = next(second, None)
        else:
            left, right = next(first, None), next(second, None)
