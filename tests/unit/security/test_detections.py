"""The rules that come with the platform, what a rule wants done, and correlation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.ids import TenantId, UserId
from domain.security.correlation import Hit, correlation
from domain.security.detection import Detections, audit_record, built_in, event_record, who
from domain.security.errors import DetectionRuleInvalid
from domain.security.events import Severity, ThreatKind
from domain.security.sigma import compiled
from domain.security.threat_model import Response

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TENANT, USER = TenantId.numbered(1), UserId.numbered(1)
BASE: dict[str, Any] = {
    "title": "A base",
    "id": "7f0b3c6e-2a61-4b64-9d2a-000000000001",
    "name": "base",
    "logsource": {"product": "harborgrid", "category": "authentication"},
    "detection": {"selection": {"type": "x"}, "condition": "selection"},
}
OTHER = {**BASE, "id": "7f0b3c6e-2a61-4b64-9d2a-000000000002", "name": "other"}


def counting(**changes: Any) -> dict[str, Any]:
    about = {
        "type": "event_count",
        "rules": ["base"],
        "group-by": ["userId"],
        "timespan": "10m",
        "condition": {"gte": 3},
    }
    return {"title": "Many", "id": "7f0b3c6e-2a61-4b64-9d2a-000000000009", "correlation": {**about, **changes}}


KNOWN = {name: compiled(each) for each in (BASE, OTHER) for name in (each["id"], each["name"])}


def hits(*told: tuple[str, str | None]) -> list[Hit]:
    ids = {"base": BASE["id"], "other": OTHER["id"]}
    return [Hit(NOW + timedelta(seconds=n), ids[rule], f"evt_{n}", value) for n, (rule, value) in enumerate(told)]


class TestCorrelation:
    def test_counts_records(self) -> None:
        rule = correlation(counting(), KNOWN)

        assert [False, True] == [rule.fires(hits(*[("base", None)] * n)) for n in (2, 3)]

    def test_counts_values(self) -> None:
        rule = correlation(counting(type="value_count", condition={"field": "country", "gt": 1}), KNOWN)

        assert not rule.fires(hits(("base", "NO"), ("base", "NO"), ("base", None)))
        assert rule.fires(hits(("base", "NO"), ("base", "SE")))

    def test_wants_all_of_its_rules_or_all_in_order(self) -> None:
        some = counting(type="temporal", rules=["base", "other"])
        ordered = counting(type="temporal_ordered", rules=["base", "other"])
        for each in (some, ordered):
            del each["correlation"]["condition"]

        backwards, forwards = (
            hits(("other", None), ("base", None)),
            hits(("base", None), ("base", None), ("other", None)),
        )

        assert [True, True] == [correlation(some, KNOWN).fires(each) for each in (backwards, forwards)]
        assert [False, True] == [correlation(ordered, KNOWN).fires(each) for each in (backwards, forwards)]

    def test_groups_by_fields_that_rules_call_differently(self) -> None:
        aliased = counting(aliases={"who": {"base": "userId"}}, **{"group-by": ["who"]})
        rule = correlation(aliased, KNOWN)

        assert ("u",) == rule.group(KNOWN["base"], {"userId": "u"})
        assert rule.group(KNOWN["base"], {"who": "u"}) is None

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"rules": ["nobody"]}, "nobody"),
            ({"type": "value_avg", "condition": {"field": "n", "gte": 3}}, "value_avg"),
            ({"type": "unheard"}, "unheard"),
            ({"timespan": "2d"}, "timespan"),
            ({"timespan": "soon"}, ""),
            ({"condition": {"lt": 3}}, "gte"),
            ({"condition": {"gte": 5000}}, "less than"),
            ({"condition": {"gte": "many"}}, ""),
            ({"type": "value_count", "condition": {"gte": 3}}, "field"),
            ({"rules": 7}, ""),
            ({"group-by": 7}, ""),
        ],
    )
    def test_that_is_none_is_refused(self, change: dict[str, Any], reason: str) -> None:
        with pytest.raises(DetectionRuleInvalid) as refusal:
            correlation(counting(**change), KNOWN)

        assert reason in refusal.value.details["reason"]

    @given(
        st.dictionaries(
            st.sampled_from(["type", "rules", "group-by", "timespan", "condition", "aliases", "generate"]),
            st.recursive(
                st.none() | st.text(max_size=6) | st.integers() | st.booleans()
                | st.sampled_from(["base", "event_count", "temporal", "value_count", "10m", "gte", "userId"]),
                lambda inner: st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["gte", "lt", "field", "base", "who", ""]), inner, max_size=3),
                max_leaves=5,
            ),
        )
    )  # fmt: skip
    def test_never_fails_otherwise(self, change: dict[str, Any]) -> None:
        try:
            rule = correlation(counting(**change), KNOWN)
        except DetectionRuleInvalid:
            return
        rule.fires(hits(("base", "x")))


class TestBuiltIn:
    def test_speak_for_every_threat_that_we_look_for(self) -> None:
        kinds = {answer.kind for answer in built_in().speaking}

        assert {
            ThreatKind.BRUTE_FORCE,
            ThreatKind.CREDENTIAL_STUFFING,
            ThreatKind.IMPOSSIBLE_TRAVEL,
            ThreatKind.TOKEN_REPLAY,
            ThreatKind.API_ABUSE,
            ThreatKind.PRIVILEGE_ESCALATION,
        } <= kinds

    def test_see_across_tenants_only_where_they_say_so(self) -> None:
        assert ["credential_stuffing"] == [each.kind.value for each in built_in().speaking if each.everywhere]

    def test_do_nothing_to_programs_without_approval(self) -> None:
        assert all(each.approval for each in built_in().speaking if Response.REVOKE_KEY in each.respond)


class TestAnswer:
    def detections(self, section: Any) -> Detections:
        text = f"""
title: Mine
id: 7f0b3c6e-2a61-4b64-9d2a-000000000001
logsource: {{product: harborgrid}}
detection:
  selection: {{type: x}}
  condition: selection
level: critical
harborgrid: {section}
"""
        return Detections([text], own=True)

    def test_is_what_the_rule_wants(self) -> None:
        [answer] = self.detections("{kind: injection, respond: [step_up, step_up], confidence: 1}").speaking

        assert (ThreatKind.INJECTION, Severity.CRITICAL) == (answer.kind, answer.severity)
        assert ((Response.STEP_UP,), 1.0, False) == (answer.respond, answer.confidence, answer.everywhere)

    @pytest.mark.parametrize(
        "section",
        ["{kind: rain}", "{respond: [shout]}", "{respond: step_up}", "{confidence: 2}", "{ban_minutes: 0}",
         "{ban_minutes: 1000000}", "{scope: platform}", "{unknown: 1}", "[a]", "text"],
    )  # fmt: skip
    def test_of_something_that_we_do_not_do_is_refused(self, section: str) -> None:
        with pytest.raises(DetectionRuleInvalid):
            self.detections(section)

    def test_needs_ids_of_its_own(self) -> None:
        with pytest.raises(DetectionRuleInvalid) as refusal:
            Detections([f"{_TWICE}\n---\n{_TWICE}"], own=True)

        assert "same id" in refusal.value.details["reason"]


_TWICE = """title: Twice
id: 7f0b3c6e-2a61-4b64-9d2a-000000000001
logsource: {product: harborgrid}
detection: {selection: {a: 1}, condition: selection}"""


class TestRecord:
    def test_of_an_event_is_flat(self) -> None:
        data = {"userId": USER, "nested": {"a": {"b": 1}}, "list": ["x", {"y": 1}]}

        record = event_record("evt_1", NOW, TENANT, "security.login.failure", data)

        assert "authentication" == record.category
        assert {
            "type": "security.login.failure",
            "tenantId": TENANT,
            "userId": USER,
            "nested.a.b": 1,
            "list": ["x"],
        } == record.fields

    @pytest.mark.parametrize(
        ("type_", "category"),
        [
            ("security.permission.denied", "gateway"),
            ("security.api_key.revoked", "gateway"),
            ("security.session.ended", "authentication"),
            ("security.tenant.provisioned", "security"),
            ("billing.invoice.paid", "security"),
        ],
    )
    def test_is_of_a_category(self, type_: str, category: str) -> None:
        assert category == event_record("evt_1", NOW, None, type_, {}).category

    def test_of_the_audit_trail_keeps_details_apart(self) -> None:
        row = {
            "action": "a.b",
            "resource": "r",
            "outcome": "allowed",
            "actor_kind": "user",
            "actor_id": USER,
            "details": {"action": "another", "network": "203.0.113.0/24"},
        }

        record = audit_record("aud_1", NOW, None, row)

        assert ("audit", "a.b", "another") == (
            record.category,
            record.fields["action"],
            record.fields["details.action"],
        )
        assert (USER, USER, "203.0.113.0/24") == who(record.fields)

    def test_says_whom_it_is_about_as_far_as_it_does(self) -> None:
        assert (None, None, None) == who({})
        assert ("key_1", None, None) == who({"actorId": "key_1"})
        assert ("key_1", USER, "n") == who({"actorId": "key_1", "userId": USER, "clientNetwork": "n"})
