"""Merkle trees over a log: heads, and proofs that a record is in it and that it only ever grew (RFC 9162, section 2.1).

A proof is a list of hashes of ranges of leaves. Which ranges, is said here without any hashing, so that whoever keeps
the leaves can fetch or remember what it likes. Hashes are SHA-256, 32 bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

EMPTY = hashlib.sha256().digest()
"""The head of a tree without leaves."""


class Range(NamedTuple):
    """Leaves from `start` up to, and not with, `end`, counted from 0."""

    start: int
    end: int


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a record."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def head(hashes: Sequence[bytes]) -> bytes:
    """The head of a tree of these leaf hashes, or of the heads of its full, equally large subtrees and of the rest."""
    if not hashes:
        return EMPTY
    level = list(hashes)
    while len(level) > 1:
        pairs = [node_hash(level[place], level[place + 1]) for place in range(0, len(level) - 1, 2)]
        level = pairs + level[len(level) & ~1 :]
    return level[0]


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The ranges whose heads prove that leaf `index` is in the tree of `size` leaves (section 2.1.3.1).

    Raises ValueError if it is not.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size} leaves")
    ranges: list[Range] = []
    whole = Range(0, size)
    while whole.end - whole.start > 1:
        middle = whole.start + _largest_power_below(whole.end - whole.start)
        left, right = Range(whole.start, middle), Range(middle, whole.end)
        whole, sibling = (left, right) if index < middle else (right, left)
        ranges.append(sibling)
    return ranges[::-1]


def consistency_ranges(first: int, second: int) -> list[Range]:
    """The ranges whose heads prove that a tree of `second` leaves begins with that of `first` (section 2.1.4.1).

    Raises ValueError unless 0 < first <= second.
    """
    if not 0 < first <= second:
        raise ValueError(f"a tree of {first} leaves is not the beginning of one of {second}")
    ranges: list[Range] = []
    whole, is_known = Range(0, second), True
    while whole.end != first:
        middle = whole.start + _largest_power_below(whole.end - whole.start)
        left, right = Range(whole.start, middle), Range(middle, whole.end)
        if first <= middle:
            whole, sibling = left, right
        else:
            whole, sibling, is_known = right, left, False
        ranges.append(sibling)
    if not is_known:
        ranges.append(whole)
    return ranges[::-1]


def includes(root: bytes, size: int, index: int, leaf: bytes, path: Sequence[bytes]) -> bool:
    """Whether this path proves that the leaf with this hash has this place in the tree (section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, hashed = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            hashed = node_hash(sibling, hashed)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            hashed = node_hash(hashed, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and hashed == root


def extends(first_root: bytes, first: int, second_root: bytes, second: int, path: Sequence[bytes]) -> bool:
    """Whether this path proves that the second tree begins with the first (section 2.1.4.2)."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not path and first_root == second_root
    # A full first tree is its own first hash, and is left out of the path.
    hashes = [first_root, *path] if first & (first - 1) == 0 else list(path)
    if not hashes:
        return False
    place, last = first - 1, second - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    of_first = of_second = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            of_first, of_second = node_hash(sibling, of_first), node_hash(sibling, of_second)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            of_second = node_hash(of_second, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and of_first == first_root and of_second == second_root


def _largest_power_below(number: int) -> int:
    """The largest power of two that is smaller than the number."""
    return 1 << (number - 1).bit_length() - 1


class Frontier:
    """A tree that grows leaf by leaf and remembers no more than it needs to tell its head."""

    def __init__(self) -> None:
        self.size = 0
        self._full: list[tuple[int, bytes]] = []

    def add(self, leaf: bytes) -> None:
        """One more leaf hash."""
        height, hashed = 0, leaf
        while self._full and self._full[-1][0] == height:
            height, hashed = height + 1, node_hash(self._full.pop()[1], hashed)
        self._full.append((height, hashed))
        self.size += 1

    def head(self) -> bytes:
        """The head of the tree so far."""
        if not self._full:
            return EMPTY
        hashed = self._full[-1][1]
        for _, left in reversed(self._full[:-1]):
            hashed = node_hash(left, hashed)
        return hashed
