"""Decisions: the ladder of scopes, the plan, and a tenant's policies, which may narrow and widen but not break out."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.analytics.permissions import READ_DASHBOARDS, RENAME_DASHBOARD
from domain.kernel.ids import TenantId
from domain.kernel.permissions import Permission, Scope
from domain.permissions import PERMISSIONS
from domain.security.authorization import Circumstances, Rules
from domain.security.cedar import Vocabulary
from domain.security.errors import OperatorsOnly, PolicyForbids, ScopeMissing, UpgradeRequired
from domain.security.ids import ApiKeyId
from domain.security.model import Entitlements, Principal
from domain.security.permissions import LIST_TENANTS, POLICIES, PUT_POLICY

VOCABULARY = Vocabulary(PERMISSIONS.values())
OURS, THEIRS = TenantId.of(UUID(int=1)), TenantId.of(UUID(int=2))
PRO = Entitlements(plan="pro", features=frozenset({POLICIES}))
NOON = Circumstances(now=datetime(2026, 3, 4, 12, 0, tzinfo=UTC), ip="203.0.113.7", country="NO")
LADDER = [Scope.READ, Scope.WRITE, Scope.ADMIN, Scope.OPERATOR]
RENAME = 'action == HarborGrid::Action::"analytics.rename_dashboard"'

permissions = st.sampled_from(sorted(PERMISSIONS.values(), key=lambda permission: permission.name))
scopes = st.sampled_from(LADDER)


def key(*held: Scope, tenant: TenantId | None = OURS, number: int = 1) -> Principal:
    """An API key with these scopes."""
    return Principal(id=ApiKeyId.of(UUID(int=number)), tenant_id=tenant, scopes=frozenset(held))


def rules(*texts: str, plan: Entitlements = PRO, timezone: str = "UTC") -> Rules:
    """What holds in our tenant with these policies."""
    policies = {f"pol_{place}": VOCABULARY.validate(text) for place, text in enumerate(texts)}
    return Rules(VOCABULARY, tenant=OURS, timezone=timezone, entitlements=plan, policies=policies)


def told_nothing() -> Circumstances:
    """For rules that need not ask."""
    raise AssertionError("nobody has to know the circumstances")


class TestScopes:
    @given(permissions, scopes)
    def test_include_those_below_them(self, permission: Permission, held: Scope) -> None:
        caller = key(held, tenant=None if held is Scope.OPERATOR else OURS)
        here = Rules(VOCABULARY, tenant=None) if held is Scope.OPERATOR else rules()

        decision = here.decide(caller, permission, None, told_nothing)

        assert decision.allowed == (LADDER.index(permission.scope) <= LADDER.index(held))

    @given(permissions, st.sets(st.sampled_from(LADDER[:3]), min_size=1))
    def test_reach_into_no_other_tenant(self, permission: Permission, held: set[Scope]) -> None:
        stranger = key(*held, tenant=THEIRS)

        assert not rules().decide(stranger, permission, "thing_1", told_nothing).allowed

    def test_missing_are_named(self) -> None:
        decision = rules().decide(key(Scope.READ), RENAME_DASHBOARD, None, told_nothing)

        refusal = decision.refusal()
        assert isinstance(refusal, ScopeMissing)
        assert Scope.WRITE == refusal.details["scope"]

    def test_of_a_tenant_never_make_an_operator(self) -> None:
        everything = rules("permit (principal, action, resource);")

        decision = everything.decide(key(Scope.ADMIN), LIST_TENANTS, None, told_nothing)

        assert isinstance(decision.refusal(), OperatorsOnly)


class TestPlan:
    def test_that_lacks_the_feature_is_named_with_those_that_have_it(self) -> None:
        free = rules(plan=Entitlements(plan="free"))

        decision = free.decide(key(Scope.ADMIN), PUT_POLICY, None, told_nothing)

        refusal = decision.refusal(["pro"])
        assert isinstance(refusal, UpgradeRequired)
        assert {"feature": POLICIES, "plans": ["pro"]} == refusal.details

    def test_is_something_policies_can_speak_of(self) -> None:
        only_pro = 'forbid (principal, action, resource) unless { principal.tenant.plan == "pro" };'

        assert rules(only_pro).decide(key(Scope.READ), READ_DASHBOARDS, None, told_nothing).allowed
        downgraded = rules(only_pro, plan=Entitlements(plan="free", features=PRO.features))
        assert not downgraded.decide(key(Scope.READ), READ_DASHBOARDS, None, told_nothing).allowed


class TestPolicies:
    @pytest.mark.parametrize(
        ("condition", "circumstances", "allowed"),
        [
            ('context has ip && context.ip.isInRange(ip("203.0.113.0/24"))', NOON, True),
            ('context has ip && context.ip.isInRange(ip("198.51.100.0/24"))', NOON, False),
            ('context has ip && context.ip.isInRange(ip("2001:db8::/32"))', Circumstances(NOON.now, "2001:db8::7"), 1),
            ("context has ip && context.ip.isLoopback()", Circumstances(NOON.now), False),
            ('context has country && ["NO", "SE"].contains(context.country)', NOON, True),
            ('context has country && ["NO", "SE"].contains(context.country)', Circumstances(NOON.now), False),
            ("context has weekday && context.weekday == 3", NOON, True),
            ("context has minuteOfDay && context.minuteOfDay == 780", NOON, True),
            ('context has now && context.now < datetime("2026-03-04T12:00:00.001Z")', NOON, True),
            ('context has now && context.now < datetime("2026-03-04T12:00:00Z")', NOON, False),
        ],
    )  # fmt: skip
    def test_look_at_where_and_when(self, condition: str, circumstances: Circumstances, allowed: bool) -> None:
        here = rules(f"forbid (principal, {RENAME}, resource) unless {{ {condition} }};", timezone="Europe/Oslo")

        decision = here.decide(key(Scope.WRITE), RENAME_DASHBOARD, "dsh_1", lambda: circumstances)

        assert allowed == decision.allowed
        assert ("platform.write",) if allowed else ("pol_0/0",) == decision.because

    def test_know_daylight_saving_of_the_tenant(self) -> None:
        office = "context has minuteOfDay && context.minuteOfDay >= 480"
        here = rules(f"forbid (principal, {RENAME}, resource) unless {{ {office} }};", timezone="Europe/Oslo")

        def at(month: int) -> bool:
            told = Circumstances(now=datetime(2026, month, 4, 6, 30, tzinfo=UTC))
            return here.decide(key(Scope.WRITE), RENAME_DASHBOARD, None, lambda: told).allowed

        assert not at(month=1)
        assert at(month=7)

    def test_tell_one_thing_from_another(self) -> None:
        here = rules(f'forbid (principal, {RENAME}, resource == HarborGrid::Dashboard::"dsh_1");')

        assert [False, True] == [
            here.decide(key(Scope.WRITE), RENAME_DASHBOARD, thing, told_nothing).allowed for thing in ("dsh_1", "dsh_2")
        ]

    def test_tell_one_key_from_another(self) -> None:
        one = ApiKeyId.of(UUID(int=1))
        here = rules(f'permit (principal == HarborGrid::ApiKey::"{one}", {RENAME}, resource);')

        assert [True, False] == [
            here.decide(key(Scope.READ, number=number), RENAME_DASHBOARD, None, told_nothing).allowed
            for number in (1, 2)
        ]

    def test_that_forbid_are_named(self) -> None:
        here = rules(f"permit (principal, action, resource); forbid (principal, {RENAME}, resource);")

        decision = here.decide(key(Scope.ADMIN), RENAME_DASHBOARD, None, told_nothing)

        refusal = decision.refusal()
        assert isinstance(refusal, PolicyForbids)
        assert ("pol_0/1",) == decision.because
        assert ["pol_0"] == refusal.details["policies"]

    def test_that_cannot_be_evaluated_deny(self) -> None:
        """An overflow; Cedar alone would skip the statement, and it may be the one that forbids."""
        overflow = "9223372036854775807 + 1 > 0"
        here = rules(f"forbid (principal, {RENAME}, resource) when {{ {overflow} }};")

        decision = here.decide(key(Scope.ADMIN), RENAME_DASHBOARD, None, told_nothing)

        assert not decision.allowed
        assert decision.errors
        assert isinstance(decision.refusal(), PolicyForbids)

    def test_of_the_key_itself_as_the_thing_are_decided(self) -> None:
        here = rules("forbid (principal, action, resource) when { principal == resource };")
        caller = key(Scope.ADMIN)

        rotate = PERMISSIONS["security.rotate_api_key"]

        assert not here.decide(caller, rotate, caller.id, told_nothing).allowed
        assert here.decide(caller, rotate, "key_2", told_nothing).allowed


class TestMemory:
    policies = st.sampled_from(
        [
            "permit (principal, action, resource is HarborGrid::Dashboard);",
            'forbid (principal, action, resource == HarborGrid::Dashboard::"a");',
            'forbid (principal, action, resource) when { resource == HarborGrid::Dashboard::"a" };',
            f'forbid (principal, action, resource is HarborGrid::Dashboard in HarborGrid::Tenant::"{OURS}");',
            f'permit (principal == HarborGrid::ApiKey::"{ApiKeyId.of(UUID(int=2))}", action, resource);',
        ]
    )
    asked = st.tuples(permissions, scopes, st.integers(1, 2), st.sampled_from([None, "a", "b"]))

    @settings(max_examples=20, deadline=None)
    @given(st.lists(policies, max_size=2), st.lists(asked, min_size=1, max_size=6))
    def test_changes_no_decision(
        self, texts: list[str], questions: list[tuple[Permission, Scope, int, str | None]]
    ) -> None:
        remembering = rules(*texts)

        for permission, held, number, thing in questions * 2:
            caller = key(held, number=number)
            afresh = rules(*texts).decide(caller, permission, thing, told_nothing)
            assert afresh == remembering.decide(caller, permission, thing, told_nothing)
