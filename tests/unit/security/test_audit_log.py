"""What is hashed of an audit record, and how checkpoints are signed and read."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.security.audit_log import canonical, in_canonical_form
from domain.security.checkpoint import Checkpoint, CheckpointSigner, CheckpointVerifier
from domain.security.errors import CheckpointInvalid, NotCanonical

RECORD: dict[str, Any] = {
    "id": "aud_01h455vb4pex5vsknk084sn02q",
    "tenant_id": None,
    "at": datetime(2026, 3, 1, 9, 21, 0, 123456, UTC),
    "actor_kind": "operator",
    "actor_id": "cli",
    "action": "security.create_api_key",
    "resource": "key_1",
    "outcome": "allowed",
    "request_id": None,
    "correlation_id": "story",
    "details": {"b": 1, "a": "\u20ac"},
}
SIGNER = CheckpointSigner(b"m" * 32)
CHECKPOINT = Checkpoint("harborgrid/audit/platform", 7, b"r" * 32, b"c" * 32)


class TestCanonicalForm:
    def test_is_that_of_the_rfcs_example(self) -> None:
        # RFC 8785, section 3.2.2 and 3.2.3.
        given_ = (
            '{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],'
            '"string": "\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/", "literals": [null, true, false]}'
        )
        expected = (
            '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
            '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
        )

        assert expected.encode() == in_canonical_form(json.loads(given_))

    def test_of_a_record_does_not_depend_on_where_its_instant_is_told(self) -> None:
        elsewhere = {**RECORD, "at": RECORD["at"].astimezone(timezone(timedelta(hours=5, minutes=30)))}

        assert canonical(RECORD) == canonical(elsewhere)
        assert b'"at":"2026-03-01T09:21:00.123456Z"' in canonical(RECORD)

    def test_tells_a_microsecond(self) -> None:
        assert canonical(RECORD) != canonical({**RECORD, "at": RECORD["at"] + timedelta(microseconds=1)})

    @pytest.mark.parametrize("name", [name for name in RECORD if name not in {"at", "details"}])
    def test_tells_every_field(self, name: str) -> None:
        assert canonical(RECORD) != canonical({**RECORD, name: "another"})

    @pytest.mark.parametrize("details", [{"n": 2**60}, {"n": float("inf")}, {"n": float("nan")}])
    def test_is_refused_to_what_has_none(self, details: dict[str, Any]) -> None:
        with pytest.raises(NotCanonical):
            in_canonical_form(details)


class TestCheckpoint:
    def test_is_a_signed_note_that_its_key_opens(self) -> None:
        note = SIGNER.sign(CHECKPOINT)

        assert re.fullmatch(
            r"harborgrid/audit/platform\n7\n[\w+/]{43}=\nchain [\w+/]{43}=\n\n\u2014 harborgrid [\w+/]+=*\n", note
        )
        assert CHECKPOINT == CheckpointVerifier.parse(SIGNER.verifier.text).open(note)

    def test_of_another_master_key_is_another(self) -> None:
        with pytest.raises(CheckpointInvalid, match="not signed with this key"):
            CheckpointSigner(b"n" * 32).verifier.open(SIGNER.sign(CHECKPOINT))

    @given(st.data())
    def test_does_not_survive_a_change(self, data: st.DataObject) -> None:
        note = SIGNER.sign(CHECKPOINT)
        place = data.draw(st.integers(0, note.index("\u2014") - 3))
        character = data.draw(st.characters(codec="ascii").filter(lambda one: one != note[place]))

        with pytest.raises(CheckpointInvalid):
            SIGNER.verifier.open(note[:place] + character + note[place + 1 :])

    @given(st.text())
    def test_is_not_just_any_text(self, text: str) -> None:
        with pytest.raises(CheckpointInvalid):
            SIGNER.verifier.open(text)
        with pytest.raises(CheckpointInvalid):
            CheckpointVerifier.parse(text)
