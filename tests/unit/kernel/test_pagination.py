"""Cursors: opaque, exact, and refused when they are not ours."""

import base64

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.kernel.pagination import BadCursor, Page, decode_cursor, encode_cursor

relaxed = settings(deadline=None)

# What PostgreSQL's text and bigint can hold.
texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
positions = st.lists(st.one_of(texts, st.integers(0, 2**63 - 1)), max_size=4)


def opaque(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


class TestDecodeCursor:
    @relaxed
    @given(positions)
    def test_finds_the_position_again(self, position: list[str | int]) -> None:
        kinds = [type(part) for part in position]

        assert tuple(position) == decode_cursor(encode_cursor(*position), *kinds)

    @relaxed
    @given(positions)
    def test_takes_cursors_that_are_safe_in_a_query_string(self, position: list[str | int]) -> None:
        assert set(encode_cursor(*position)) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")

    @relaxed
    @given(positions, st.lists(st.sampled_from([str, int]), max_size=4))
    def test_refuses_a_position_in_another_order(
        self, position: list[str | int], kinds: list[type[str] | type[int]]
    ) -> None:
        assume(kinds != [type(part) for part in position])

        with pytest.raises(BadCursor):
            decode_cursor(encode_cursor(*position), *kinds)

    @relaxed
    @given(st.text())
    def test_of_any_text_either_reads_a_position_or_refuses(self, text: str) -> None:
        try:
            position = decode_cursor(text, str)
        except BadCursor:
            return
        assert [str] == [type(part) for part in position]

    @pytest.mark.parametrize(
        "cursor",
        [
            "",
            "=",
            "é",
            opaque("not json"),
            opaque('{"a": 1}'),
            opaque("7"),
            opaque("[true]"),
            opaque("[1.0]"),
            opaque("[null]"),
            "_w",
            opaque("[-1]"),
            opaque("[9223372036854775808]"),
        ],
        ids=[
            "empty",
            "padding",
            "not ASCII",
            "not JSON",
            "object",
            "number",
            "boolean",
            "float",
            "null",
            "not UTF-8",
            "negative",
            "too big",
        ],
    )
    def test_refuses_what_it_never_gave_out(self, cursor: str) -> None:
        with pytest.raises(BadCursor):
            decode_cursor(cursor, int)

    @pytest.mark.parametrize("text", ['["\\u0000"]', '["\\ud800"]'], ids=["NUL", "half a surrogate pair"])
    def test_refuses_what_no_database_can_hold(self, text: str) -> None:
        with pytest.raises(BadCursor):
            decode_cursor(opaque(text), str)


class TestPage:
    def test_says_where_the_next_one_starts_in_the_words_of_the_wire(self) -> None:
        page = Page[int](items=[1, 2], next_cursor="abc")

        assert page.model_dump(mode="json") == {"items": [1, 2], "nextCursor": "abc"}

    def test_is_the_last_one_without_a_cursor(self) -> None:
        assert Page[int](items=[]).next_cursor is None
