"""The catalogue: nothing unknown gets in, and nothing recorded becomes unreadable."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

from domain.bus.catalogue import Catalogue, Upcaster
from domain.bus.errors import UnknownEventType
from domain.bus.event import Event, event

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@event("pottery.pot.fired", version="3.1.0", source="pottery", subject="pot")
class PotFired(Event):
    """A pot came out of the kiln."""

    pot: str
    peak_millikelvin: int
    kiln: str = "wood"


@event("pottery.pot.sold", version="1.0.0", source="pottery", subject="pot")
class PotSold(Event):
    """A pot found a home."""

    pot: str


class Unlisted(PotSold):
    """A pot sold under the counter."""


def from_fahrenheit(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "peakCelsius": (data["peakFahrenheit"] - 32) * 5 // 9}


def from_celsius(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "peakMillikelvin": data["peakCelsius"] * 1000 + 273_150}


UPCASTERS: Mapping[tuple[str, int], Upcaster] = {
    ("pottery.pot.fired", 1): from_fahrenheit,
    ("pottery.pot.fired", 2): from_celsius,
}


def fired(**peak: int) -> dict[str, Any]:
    return {"pot": "amphora", "occurredAt": "2026-03-01T12:00:00Z", **peak}


class TestOf:
    def test_collects_the_events_that_modules_declare(self) -> None:
        pottery = ModuleType("pottery")
        vars(pottery).update(PotSold=PotSold, PotFired=PotFired, Event=Event, Unlisted=Unlisted, NOON=NOON)

        catalogue = Catalogue.of(pottery)

        assert [PotFired, PotSold] == list(catalogue)
        assert len(catalogue) == 2
        assert "pottery.pot.sold" in catalogue
        assert "pottery.pot.broken" not in catalogue


class TestGet:
    def test_finds_a_class_by_its_address(self) -> None:
        assert PotSold is Catalogue([PotSold]).get("pottery.pot.sold")

    def test_refuses_an_unknown_type_by_name(self) -> None:
        with pytest.raises(UnknownEventType, match=r"pottery\.pot\.broken") as refused:
            Catalogue([PotSold]).get("pottery.pot.broken")

        assert refused.value.details == {"type": "pottery.pot.broken"}


class TestCheck:
    def test_lets_listed_events_pass(self) -> None:
        Catalogue([PotSold]).check(PotSold(pot="amphora", occurred_at=NOON))

    def test_refuses_an_unlisted_type(self) -> None:
        with pytest.raises(UnknownEventType):
            Catalogue([PotFired]).check(PotSold(pot="amphora", occurred_at=NOON))

    def test_refuses_another_class_at_a_listed_address(self) -> None:
        with pytest.raises(UnknownEventType):
            Catalogue([PotSold]).check(Unlisted(pot="amphora", occurred_at=NOON))


class TestRead:
    @pytest.mark.parametrize(
        ("version", "data"),
        [
            ("1.0.0", fired(peakFahrenheit=2264)),
            ("2.4.1", fired(peakCelsius=1240)),
            ("3.0.0", fired(peakMillikelvin=1_513_150)),
            ("3.1.0", fired(peakMillikelvin=1_513_150)),
        ],
        ids=["two majors ago", "one major ago", "one minor ago", "today"],
    )
    def test_understands_every_version_there_ever_was(self, version: str, data: dict[str, Any]) -> None:
        read = Catalogue([PotFired], UPCASTERS).read("pottery.pot.fired", version, data)

        assert PotFired(pot="amphora", peak_millikelvin=1_513_150, occurred_at=NOON) == read

    def test_understands_a_newer_minor_version(self) -> None:
        data = fired(peakMillikelvin=1, glaze=7)

        assert PotFired(pot="amphora", peak_millikelvin=1, occurred_at=NOON) == Catalogue([PotFired]).read(
            "pottery.pot.fired", "3.9.0", data
        )

    def test_leaves_the_recorded_data_alone(self) -> None:
        data = fired(peakFahrenheit=2264)

        Catalogue([PotFired], UPCASTERS).read("pottery.pot.fired", "1.0.0", data)

        assert fired(peakFahrenheit=2264) == data

    def test_refuses_a_newer_major_version(self) -> None:
        with pytest.raises(UnknownEventType, match=r"4\.0\.0 is newer than 3\.1\.0"):
            Catalogue([PotFired], UPCASTERS).read("pottery.pot.fired", "4.0.0", fired())

    @pytest.mark.parametrize(
        ("absent", "version"), [(1, "1.0.0"), (2, "1.0.0"), (2, "2.0.0")], ids=["first", "second", "only"]
    )
    def test_refuses_when_a_link_of_the_chain_is_missing(self, absent: int, version: str) -> None:
        gapped = {key: upcast for key, upcast in UPCASTERS.items() if key[1] != absent}
        data = fired(peakFahrenheit=2264, peakCelsius=1240)

        with pytest.raises(UnknownEventType, match=rf"no upcaster reads pottery\.pot\.fired {absent}\.x"):
            Catalogue([PotFired], gapped).read("pottery.pot.fired", version, data)

    def test_refuses_an_unknown_type(self) -> None:
        with pytest.raises(UnknownEventType):
            Catalogue([PotFired]).read("pottery.pot.broken", "1.0.0", {})
