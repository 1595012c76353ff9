"""Merkle trees as RFC 9162 defines them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.security.merkle import (
    EMPTY,
    Frontier,
    Range,
    consistency_ranges,
    extends,
    head,
    includes,
    inclusion_ranges,
    leaf_hash,
    node_hash,
)

# The entries and heads with which Certificate Transparency's implementations test one another.
ENTRIES = [
    bytes.fromhex(entry)
    for entry in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
HEADS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
sizes = st.integers(1, 300)


def leaves(count: int) -> list[bytes]:
    """Hashes of different records."""
    return [leaf_hash(str(number).encode()) for number in range(count)]


def by_definition(hashes: Sequence[bytes]) -> bytes:
    """Section 2.1.1, word by word."""
    if not hashes:
        return hashlib.sha256().digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node_hash(by_definition(hashes[:split]), by_definition(hashes[split:]))


def path(hashes: Sequence[bytes], ranges: Sequence[Range]) -> list[bytes]:
    """The heads of these ranges."""
    return [head(hashes[part.start : part.end]) for part in ranges]


class TestHead:
    @pytest.mark.parametrize("size", range(1, 9))
    def test_is_what_others_make_of_the_same_entries(self, size: int) -> None:
        assert HEADS[size - 1] == head([leaf_hash(entry) for entry in ENTRIES[:size]]).hex()

    def test_of_nothing_is_the_hash_of_nothing(self) -> None:
        assert EMPTY.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        assert Frontier().head() == head([]) == EMPTY

    @given(sizes)
    def test_follows_the_definition_however_it_is_made(self, size: int) -> None:
        frontier = Frontier()
        for leaf in leaves(size):
            frontier.add(leaf)

        assert by_definition(leaves(size)) == head(leaves(size)) == frontier.head()

    @given(sizes, st.sampled_from([2, 4, 8, 16]))
    def test_may_be_made_of_subtrees(self, size: int, width: int) -> None:
        hashes = leaves(size)
        subtrees = [head(hashes[start : start + width]) for start in range(0, size, width)]

        assert head(subtrees) == head(hashes)


class TestInclusion:
    @given(st.data())
    def test_is_proved_for_every_leaf_of_every_tree(self, data: st.DataObject) -> None:
        size = data.draw(sizes)
        index = data.draw(st.integers(0, size - 1))
        hashes = leaves(size)

        assert includes(head(hashes), size, index, hashes[index], path(hashes, inclusion_ranges(index, size)))

    @given(st.data())
    def test_is_not_proved_for_anything_else(self, data: st.DataObject) -> None:
        size = data.draw(st.integers(2, 200))
        index = data.draw(st.integers(0, size - 1))
        hashes = leaves(size)
        root, proof = head(hashes), path(hashes, inclusion_ranges(index, size))
        other = data.draw(st.integers(0, size - 1).filter(lambda place: place != index))
        place = data.draw(st.integers(0, len(proof) - 1))
        forged = [*proof[:place], leaf_hash(b"forged"), *proof[place + 1 :]]

        assert not includes(root, size, index, hashes[other], proof)
        assert not includes(root, size, other, hashes[index], proof)
        assert not includes(root, size, index, hashes[index], forged)
        assert not includes(root, size, index, hashes[index], proof[:-1])
        assert not includes(root, size, index, hashes[index], [*proof, root])

    @pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
    def test_of_what_is_not_there_cannot_be_asked(self, index: int, size: int) -> None:
        with pytest.raises(ValueError, match="is not in a tree"):
            inclusion_ranges(index, size)
        assert not includes(EMPTY, size, index, EMPTY, [])


class TestConsistency:
    @given(st.data())
    def test_is_proved_for_every_beginning(self, data: st.DataObject) -> None:
        second = data.draw(sizes)
        first = data.draw(st.integers(1, second))
        hashes = leaves(second)
        proof = path(hashes, consistency_ranges(first, second))

        assert extends(head(hashes[:first]), first, head(hashes), second, proof)

    @given(st.data())
    def test_is_not_proved_for_a_beginning_that_was_changed(self, data: st.DataObject) -> None:
        second = data.draw(st.integers(2, 200))
        first = data.draw(st.integers(1, second - 1))
        hashes = leaves(second)
        rewritten = [leaf_hash(b"another"), *hashes[1:]]
        proof = path(rewritten, consistency_ranges(first, second))

        assert not extends(head(hashes[:first]), first, head(rewritten), second, proof)

    @given(st.data())
    def test_is_not_proved_by_less_or_more(self, data: st.DataObject) -> None:
        second = data.draw(st.integers(2, 200))
        first = data.draw(st.integers(1, second - 1))
        hashes = leaves(second)
        proof = path(hashes, consistency_ranges(first, second))

        for other in (proof[:-1], [*proof, EMPTY], []):
            assert not extends(head(hashes[:first]), first, head(hashes), second, other)

    @pytest.mark.parametrize(("first", "second"), [(0, 3), (4, 3)])
    def test_of_what_cannot_be_cannot_be_asked(self, first: int, second: int) -> None:
        with pytest.raises(ValueError, match="is not the beginning"):
            consistency_ranges(first, second)
        assert not extends(EMPTY, first, EMPTY, second, [])
