"""One-time passwords are those of RFC 4226 and RFC 6238, work once, and near their time only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.security.totp import STEP_SECONDS, base32, code_at, key_uri, matching_step, step_at

SECRET = b"12345678901234567890"
# RFC 6238, appendix B: the keys of SHA-256 and SHA-512 are as long as their hashes.
KEYS: dict[Literal["sha1", "sha256", "sha512"], bytes] = {
    "sha1": SECRET,
    "sha256": (SECRET * 2)[:32],
    "sha512": (SECRET * 4)[:64],
}
INSTANTS = [59, 1111111109, 1111111111, 1234567890, 2000000000, 20000000000]
CODES: dict[Literal["sha1", "sha256", "sha512"], list[str]] = {
    "sha1": ["94287082", "07081804", "14050471", "89005924", "69279037", "65353130"],
    "sha256": ["46119246", "68084774", "67062674", "91819424", "90698825", "77737706"],
    "sha512": ["90693936", "25091201", "99943326", "93441116", "38618901", "47863826"],
}
NOON = datetime(2026, 3, 4, 12, 0, 10, tzinfo=UTC)
steps = st.integers(min_value=-5, max_value=5)


class TestCode:
    @pytest.mark.parametrize("hash_", ["sha1", "sha256", "sha512"])
    def test_is_that_of_rfc_6238(self, hash_: Literal["sha1", "sha256", "sha512"]) -> None:
        made = [code_at(KEYS[hash_], second // STEP_SECONDS, digits=8, hash_=hash_) for second in INSTANTS]

        assert CODES[hash_] == made

    def test_is_that_of_rfc_4226(self) -> None:
        made = [code_at(SECRET, count) for count in range(10)]

        assert made == [
            *("755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489")
        ]

    @given(steps)
    def test_is_taken_near_its_time_only(self, away: int) -> None:
        here = step_at(NOON)
        found = matching_step(SECRET, code_at(SECRET, here + away), NOON, after=0)

        assert found == (here + away if abs(away) <= 1 else None)

    @given(steps, steps)
    def test_works_once_and_none_before_it_does(self, used: int, presented: int) -> None:
        here = step_at(NOON)
        found = matching_step(SECRET, code_at(SECRET, here + presented), NOON, after=here + used)

        assert (found is not None) == (abs(presented) <= 1 and presented > used)

    @given(st.text(max_size=10))
    def test_of_any_other_shape_is_none(self, presented: str) -> None:
        here = step_at(NOON)
        codes = {code_at(SECRET, here + away) for away in (-1, 0, 1)}

        assert (matching_step(SECRET, presented, NOON, after=0) is not None) == (presented in codes)

    def test_changes_every_thirty_seconds(self) -> None:
        assert step_at(NOON + timedelta(seconds=30)) == step_at(NOON) + 1 == step_at(NOON + timedelta(seconds=49))


class TestKey:
    def test_is_what_apps_read(self) -> None:
        assert "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" == base32(SECRET)
        assert (
            "otpauth://totp/HarborGrid:ada+it@northwind.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=HarborGrid"
        ).replace("+", "%2B") == key_uri(SECRET, "ada+it@northwind.example")
