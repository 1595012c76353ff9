"""Which components have known vulnerabilities: OSV records, matched as their specification says."""

from __future__ import annotations

from typing import Any

import pytest

from domain.security.risk_errors import AdvisoriesUnreadable
from domain.security.vulnerabilities import Component, read_advisory, vulnerable

CRITICAL = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}
LOW = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N"}


def osv(id_: str = "GHSA-1", *, name: str = "leftpad", events: list[dict[str, str]] | None = None, **more: Any) -> Any:
    told = {"type": "ECOSYSTEM", "events": events if events is not None else [{"introduced": "0"}, {"fixed": "2.0"}]}
    affected = {"package": {"ecosystem": "PyPI", "name": name}, "ranges": [told]}
    record = {"id": id_, "modified": "2026-01-01T00:00:00Z", "summary": "It pads left.", "affected": [affected]}
    return {**record, **more}


def found(version: str, *records: Any, name: str = "leftpad") -> list[Any]:
    return vulnerable([Component(name=name, version=version)], [read_advisory(each) for each in records])


class TestMatch:
    @pytest.mark.parametrize(
        ("events", "inside", "outside"),
        [
            ([{"introduced": "0"}, {"fixed": "2.0"}], ["0.0.1", "1.9", "2.0rc1"], ["2.0", "2.0.1", "10"]),
            ([{"introduced": "1.0"}, {"last_affected": "1.5"}], ["1.0", "1.5"], ["0.9", "1.5.1"]),
            (
                [{"introduced": "1"}, {"fixed": "1.2"}, {"introduced": "2"}, {"fixed": "2.2"}],
                ["1.1", "2.1"],
                ["0.9", "1.2", "1.9", "2.2"],
            ),
            ([{"introduced": "0"}], ["0.0", "99"], []),
            ([], [], ["1.0"]),
        ],
    )
    def test_follows_the_events_of_a_range(
        self, events: list[dict[str, str]], inside: list[str], outside: list[str]
    ) -> None:
        assert all(found(version, osv(events=events)) for version in inside)
        assert not any(found(version, osv(events=events)) for version in outside)

    def test_takes_a_list_of_versions_as_it_is(self) -> None:
        listed = osv(affected=[{"package": {"ecosystem": "PyPI", "name": "leftpad"}, "versions": ["1.4", "2004d"]}])

        assert [1, 0, 1] == [len(found(version, listed)) for version in ("1.4", "1.5", "2004d")]

    def test_knows_names_by_their_normal_form_and_other_ecosystems_apart(self) -> None:
        named = osv(name="Left.Pad")
        elsewhere = osv(affected=[{**osv()["affected"][0], "package": {"ecosystem": "npm", "name": "leftpad"}}])

        assert found("1.0", named, name="left-pad")
        assert not found("1.0", elsewhere)

    def test_leaves_out_what_was_withdrawn(self) -> None:
        assert not found("1.0", osv(withdrawn="2026-02-01T00:00:00Z"))


class TestVulnerability:
    def test_that_several_databases_tell_of_is_one_by_the_best_known_name(self) -> None:
        told = [
            osv("PYSEC-2026-1", aliases=["CVE-2026-1", "GHSA-1"], severity=[LOW]),
            osv("GHSA-1", aliases=["CVE-2026-1"], severity=[CRITICAL]),
            osv("GHSA-2", summary="Another."),
        ]

        first, second = found("1.0", *told)

        assert ("CVE-2026-1", ("GHSA-1", "PYSEC-2026-1"), 9.8) == (first.id, first.aliases, first.score)
        assert ("GHSA-2", 5.5, None) == (second.id, second.score, second.cvss)

    def test_tells_the_next_version_without_it(self) -> None:
        events = [{"introduced": "0"}, {"fixed": "1.9.3"}, {"introduced": "2"}, {"fixed": "2.4"}]

        assert ["1.9.3", "2.4"] == [found(version, osv(events=events))[0].fixed_in for version in ("1.0", "2.1")]
        assert found("1.0", osv(events=[{"introduced": "0"}]))[0].fixed_in is None

    def test_without_a_vector_is_rated_by_the_databases_word(self) -> None:
        worded = osv(database_specific={"severity": "HIGH"}, severity=[{"type": "CVSS_V3", "score": "nonsense"}])

        [rated] = found("1.0", worded)

        assert (8.0, "high", 4, 4) == (rated.score, rated.severity, rated.likelihood, rated.impact)

    def test_that_is_worst_comes_first(self) -> None:
        rated = found("1.0", osv("GHSA-1", severity=[LOW]), osv("GHSA-2", severity=[CRITICAL]))

        assert ["GHSA-2", "GHSA-1"] == [each.id for each in rated]


class TestRecord:
    @pytest.mark.parametrize(
        "record",
        [
            {},
            [],
            "text",
            None,
            {"id": "X"},
            {"id": 3, "modified": "2026-01-01T00:00:00Z"},
            osv(modified=5),
            osv(modified="2026-01-01T00:00:00"),
            osv("a\x00b"),
        ],
    )
    def test_that_is_none_is_refused_with_its_place(self, record: object) -> None:
        with pytest.raises(AdvisoriesUnreadable, match="record"):
            read_advisory(record)
