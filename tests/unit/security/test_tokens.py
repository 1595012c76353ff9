"""Tokens say whose they are, and are stored as a hash only."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.security.model import ApiKeyStatus
from domain.security.tokens import API_KEY, SECRET_BYTES, SESSION, TokenFormat, same

uuids = st.uuids()
formats = st.sampled_from([API_KEY, SESSION])
randomness = st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES)


class TestToken:
    @given(formats, uuids, randomness)
    def test_is_recognised_by_its_id_and_hash(self, format_: TokenFormat[Any], uuid: UUID, random: bytes) -> None:
        id_ = format_.kind.of(uuid)
        presented, stored = format_.mint(id_, random)

        assert (id_, stored) == format_.read(presented)
        assert same(stored, stored)

    @given(uuids, randomness, randomness)
    def test_does_not_match_another_secret(self, uuid: UUID, one: bytes, other: bytes) -> None:
        id_ = API_KEY.kind.of(uuid)
        matches = same(API_KEY.mint(id_, one)[1], API_KEY.mint(id_, other)[1])

        assert matches == (one == other)

    @given(uuids, randomness)
    def test_of_one_kind_is_none_of_another(self, uuid: UUID, random: bytes) -> None:
        assert SESSION.read(API_KEY.mint(API_KEY.kind.of(uuid), random)[0]) is None

    @given(formats, st.text(max_size=90))
    def test_of_any_other_shape_is_nobodys(self, format_: TokenFormat[Any], presented: str) -> None:
        read = format_.read(presented)

        assert read is None or presented.startswith(format_.prefix)

    def test_needs_all_its_randomness(self) -> None:
        with pytest.raises(ValueError, match="32 random bytes"):
            API_KEY.mint(API_KEY.kind.of(UUID(int=1)), b"short")


class TestApiKey:
    def test_statuses_are_what_the_database_knows(self) -> None:
        assert ["unclaimed", "active", "revoked"] == list(ApiKeyStatus)
