"""API keys say which key they are, and are stored as a hash only."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.security import api_keys
from domain.security.ids import ApiKeyId
from domain.security.model import ApiKeyStatus

key_ids = st.uuids().map(ApiKeyId.of)
randomness = st.binary(min_size=api_keys.SECRET_BYTES, max_size=api_keys.SECRET_BYTES)


class TestApiKey:
    @given(key_ids, randomness)
    def test_is_recognised_by_its_id_and_hash(self, key_id: ApiKeyId, random: bytes) -> None:
        presented, stored = api_keys.mint(key_id, random)

        assert (key_id, stored) == api_keys.read(presented)
        assert api_keys.same(stored, stored)

    @given(key_ids, randomness, randomness)
    def test_does_not_match_another_secret(self, key_id: ApiKeyId, one: bytes, other: bytes) -> None:
        matches = api_keys.same(api_keys.mint(key_id, one)[1], api_keys.mint(key_id, other)[1])

        assert matches == (one == other)

    @given(st.text(max_size=90))
    def test_of_any_other_shape_is_nobodys(self, presented: str) -> None:
        read = api_keys.read(presented)

        assert read is None or presented.startswith("hgk_")

    def test_needs_all_its_randomness(self) -> None:
        with pytest.raises(ValueError, match="32 random bytes"):
            api_keys.mint(ApiKeyId.of(UUID(int=1)), b"short")


class TestPrincipal:
    def test_statuses_are_what_the_database_knows(self) -> None:
        assert ["unclaimed", "active", "revoked"] == list(ApiKeyStatus)
