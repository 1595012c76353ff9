"""Declaring events, and the two orders they live by: versions and positions."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.bus.event import START, Event, EventType, Position, Version, event

relaxed = settings(deadline=None)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
versions = st.builds(Version, *[st.integers(min_value=0, max_value=10**6)] * 3)
positions = st.builds(Position, *[st.integers(min_value=0, max_value=2**63)] * 2)


@event("pottery.pot.fired", version="1.2.0", source="pottery", subject="pot", consumers=("shop",), telemetry=True)
class PotFired(Event):
    """A pot came out of the kiln.

    It may still be hot.
    """

    pot: str
    peak_celsius: int = 0


class TestDeclare:
    def test_writes_down_what_the_catalogue_needs_to_know(self) -> None:
        assert (
            EventType(
                type="pottery.pot.fired",
                version="1.2.0",
                source="pottery",
                consumers=("shop",),
                purpose="A pot came out of the kiln.",
                subject="pot",
                telemetry=True,
            )
            == PotFired.about
        )

    def test_an_event_names_its_subject(self) -> None:
        assert PotFired(pot="amphora", occurred_at=NOON).subject == "amphora"

    @pytest.mark.parametrize("version", ["1", "1.0", "1.0.0.0", "v1.0.0", "1.0.x", "", "1.0.-1", " 1.0.0"], ids=repr)
    def test_refuses_a_malformed_version(self, version: str) -> None:
        with pytest.raises(ValueError, match="not a semantic version"):
            event("pottery.pot.fired", version=version, source="pottery", subject="pot")

    def test_refuses_a_subject_that_is_no_field(self) -> None:
        declare = event("pottery.pot.broken", version="1.0.0", source="pottery", subject="shard")

        with pytest.raises(ValueError, match="PotBroken has no field 'shard'"):

            @declare
            class PotBroken(Event):
                """A pot broke."""

                pot: str


class TestEvent:
    def test_cannot_be_changed_afterwards(self) -> None:
        fired = PotFired(pot="amphora", occurred_at=NOON)

        with pytest.raises(ValidationError, match="frozen"):
            fired.pot = "vase"  # type: ignore[misc]

    def test_speaks_camel_case_and_ignores_what_it_does_not_know(self) -> None:
        written = {"pot": "amphora", "peakCelsius": 1240, "occurredAt": "2026-03-01T12:00:00Z", "glaze": "celadon"}

        fired = PotFired.model_validate(written)

        assert PotFired(pot="amphora", peak_celsius=1240, occurred_at=NOON) == fired
        assert fired.model_dump(mode="json") == {
            "pot": "amphora",
            "peakCelsius": 1240,
            "occurredAt": "2026-03-01T12:00:00Z",
        }

    def test_reads_what_an_older_minor_version_wrote(self) -> None:
        assert PotFired.model_validate({"pot": "amphora", "occurredAt": "2026-03-01T12:00:00Z"}).peak_celsius == 0


class TestVersion:
    @relaxed
    @given(versions)
    def test_reads_what_was_written(self, version: Version) -> None:
        assert version == Version.parse(str(version))

    def test_orders_by_number_not_by_text(self) -> None:
        texts = ["1.10.0", "10.0.0", "1.9.0", "1.9.10", "1.9.2"]

        assert sorted(texts, key=Version.parse) == ["1.9.0", "1.9.2", "1.9.10", "1.10.0", "10.0.0"]


class TestPosition:
    @relaxed
    @given(positions)
    def test_reads_what_was_written(self, position: Position) -> None:
        assert position == Position.parse(str(position))

    @relaxed
    @given(positions)
    def test_start_precedes_everything(self, position: Position) -> None:
        assert position >= START

    @relaxed
    @given(positions, positions)
    def test_orders_by_transaction_before_sequence(self, one: Position, other: Position) -> None:
        assert (one < other) == (one.xid < other.xid or (one.xid == other.xid and one.seq < other.seq))

    @pytest.mark.parametrize("text", ["", "1", "1.", ".1", "a.b", "1.2.3"], ids=repr)
    def test_refuses_anything_else(self, text: str) -> None:
        with pytest.raises(ValueError, match="invalid literal"):
            Position.parse(text)
