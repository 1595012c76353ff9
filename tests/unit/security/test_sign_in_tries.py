"""Waits grow with failures, end, and are forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.security.people import address_key, network_of
from domain.security.sign_in_tries import FIRST_WAIT, FORGOTTEN_AFTER, FREE_TRIES, LONGEST_WAIT, Tries

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
failures = st.integers(min_value=1, max_value=10_000)


def after(count: int) -> Tries:
    """What so many failures in a row lead to."""
    return Tries(count - 1, NOON, NOON).next(NOON)


class TestWait:
    @given(failures)
    def test_never_shrinks_and_never_exceeds_its_limit(self, count: int) -> None:
        now, then = after(count).retry_at - NOON, after(count + 1).retry_at - NOON

        assert timedelta() <= now <= then <= LONGEST_WAIT

    def test_begins_with_the_fifth_failure(self) -> None:
        assert [timedelta(), FIRST_WAIT, 2 * FIRST_WAIT] == [
            after(count).retry_at - NOON for count in (FREE_TRIES - 1, FREE_TRIES, FREE_TRIES + 1)
        ]

    @given(failures, st.integers(min_value=-5, max_value=5))
    def test_is_not_for_who_came_at_the_same_time_with_a_slower_clock(self, count: int, ahead: int) -> None:
        seen = NOON - timedelta(milliseconds=ahead)

        assert (count >= FREE_TRIES) == after(count).make_wait(seen)

    @given(failures)
    def test_is_forgotten_after_a_day(self, count: int) -> None:
        late = Tries(count, NOON, NOON).next(NOON + FORGOTTEN_AFTER + timedelta(seconds=1))

        assert (1, late.last_at) == (late.failures, late.retry_at)


class TestNetwork:
    def test_is_what_an_office_has(self) -> None:
        told = ["203.0.113.77", "::ffff:203.0.113.77", "2001:db8:1:2::3", "fe80::1%eth0", None]

        assert ["203.0.113.0/24", "203.0.113.0/24", "2001:db8:1::/48", "fe80::/48", "unknown"] == [
            network_of(each) for each in told
        ]


class TestAddress:
    def test_is_the_same_however_it_is_written(self) -> None:
        assert address_key(" Ada@Northwind.Example ") == address_key("ada@northwind.example")

    def test_of_another_mailbox_is_another(self) -> None:
        assert address_key("straße@northwind.example") != address_key("strasse@northwind.example")

    @given(st.emails())
    def test_is_stable(self, email: str) -> None:
        assert address_key(address_key(email)) == address_key(email)
