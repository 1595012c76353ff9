"""Typed ids: UUIDs that can be read, sorted and told apart."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from domain.kernel.ids import Id, TenantId, UserId

relaxed = settings(deadline=None)

SUFFIX = "01h455vb4pex5vsknk084sn02q"
kinds = st.sampled_from([TenantId, UserId])

MALFORMED: dict[str, str] = {
    "empty": "",
    "no prefix": SUFFIX,
    "empty prefix": f"_{SUFFIX}",
    "another prefix": f"usr_{SUFFIX}",
    "prefix in capitals": f"TEN_{SUFFIX}",
    "too short": f"ten_{SUFFIX[:-1]}",
    "too long": f"ten_{SUFFIX}0",
    "capitals": f"ten_{SUFFIX.upper()}",
    "a letter that Crockford leaves out": f"ten_{SUFFIX[:-1]}u",
    "more than 128 bits": "ten_8" + "0" * 25,
    "a line break": f"ten_{SUFFIX}\n",
    "space around": f" ten_{SUFFIX} ",
    "a plain UUID": "01890a5d-ac96-774b-bcce-b302099a8057",
}


class TestOf:
    @relaxed
    @given(kinds, st.uuids())
    def test_keeps_the_uuid(self, kind: type[Id], uuid: UUID) -> None:
        assert uuid == kind.of(uuid).uuid

    @relaxed
    @given(kinds, st.uuids(), st.uuids())
    def test_sorts_as_the_uuids_do(self, kind: type[Id], one: UUID, other: UUID) -> None:
        assert (one < other) == (kind.of(one) < kind.of(other))

    @pytest.mark.parametrize(
        ("uuid", "suffix"),
        [
            ("00000000-0000-0000-0000-000000000000", "0" * 26),
            ("00000000-0000-0000-0000-00000000000a", "0" * 25 + "a"),
            ("ffffffff-ffff-ffff-ffff-ffffffffffff", "7" + "z" * 25),
            ("01890a5d-ac96-774b-bcce-b302099a8057", SUFFIX),
        ],
        ids=["nil", "ten", "max", "UUIDv7"],
    )
    def test_writes_the_vectors_of_the_specification(self, uuid: str, suffix: str) -> None:
        assert f"ten_{suffix}" == TenantId.of(UUID(uuid))


class TestParse:
    @relaxed
    @given(kinds, st.uuids())
    def test_reads_what_was_written(self, kind: type[Id], uuid: UUID) -> None:
        written = kind.of(uuid)

        assert written == kind.parse(str(written))
        assert type(kind.parse(str(written))) is kind

    @pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
    def test_refuses_anything_else(self, text: str) -> None:
        with pytest.raises(ValueError, match="expected an id like ten_"):
            TenantId.parse(text)

    @relaxed
    @given(st.text())
    def test_of_any_text_either_reads_or_refuses(self, text: str) -> None:
        try:
            parsed = TenantId.parse(text)
        except ValueError:
            return
        assert text == parsed


class TestPydantic:
    @relaxed
    @given(kinds, st.uuids())
    def test_reads_a_typed_id(self, kind: type[Id], uuid: UUID) -> None:
        read: Any = TypeAdapter(kind).validate_json(f'"{kind.of(uuid)}"')

        assert kind.of(uuid) == read
        assert type(read) is kind

    @pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
    def test_refuses_what_parse_refuses(self, text: str) -> None:
        with pytest.raises(ValidationError):
            TypeAdapter(TenantId).validate_python(text)

    def test_publishes_the_pattern(self) -> None:
        schema = TypeAdapter(TenantId).json_schema()

        assert schema == {"type": "string", "pattern": "^ten_[0-7][0-9a-hjkmnp-tv-z]{25}$"}
