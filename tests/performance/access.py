"""Access decisions, each of another thing, against Cedar alone; and what a request pays, the tenant looked up."""

from __future__ import annotations

import json
import time
from itertools import count
from pathlib import Path
from statistics import median, quantiles

import cedarpy

from adapters.container import open_container
from adapters.kernel.clock import new_id, utc_now
from adapters.postgres.session import Session
from adapters.security.policies import PostgresPolicies
from adapters.security.postgres import PostgresTenants
from domain.analytics.permissions import RENAME_DASHBOARD
from domain.kernel.ids import TenantId
from domain.kernel.permissions import Scope
from domain.security.authorization import Circumstances, Rules
from domain.security.ids import ApiKeyId, PolicyId
from domain.security.model import Policy, Principal, Tenant, TenantStatus
from performance.report import Figure
from performance.stage import stage

FEW, MANY, ROUND = 100, 100_000, 5_000
_POLICY = """
forbid (principal, action in HarborGrid::Action::"write", resource == HarborGrid::Dashboard::"dsh_frozen");
forbid (principal, action, resource) unless { context has country && ["NO", "SE"].contains(context.country) };
"""
_numbers = count(1)


async def measure(folder: Path) -> list[Figure]:
    """One core; a tenant whose policies look at the thing and at the circumstances, so nothing can be remembered."""
    async with (
        stage(folder, temporal=False) as on,
        open_container(on.settings, process="bench") as container,
    ):
        tenant = await container.database.run(None, _tenant)
        caller = Principal(id=new_id(ApiKeyId), tenant_id=tenant, scopes=frozenset({Scope.WRITE}))
        told = Circumstances(now=utc_now(), ip="203.0.113.7", country="NO")
        rules = await container.access.of(tenant)
        few, many, alone = [], [], []
        for _ in range(7):
            few.append(_rate(rules, caller, told, FEW))
            many.append(_rate(rules, caller, told, MANY))
            alone.append(_cedar_alone())
        seconds = []
        for _ in range(ROUND):
            started = time.perf_counter()
            found = container.access.now(tenant) or await container.access.of(tenant)
            assert found.decide(caller, RENAME_DASHBOARD, f"dsh_{next(_numbers)}", lambda: told).allowed
            seconds.append(time.perf_counter() - started)
    p95 = quantiles(seconds, n=20)[-1] * 1000
    ours, theirs = median(many), median(alone)
    return [
        Figure(
            what="Access decisions that nothing remembered can answer, on one core",
            baseline="cedarpy alone, policies and entities parsed before",
            measured=f"{ours:,.0f}/s against {theirs:,.0f}/s",
            ratio=ours / theirs,
            goal="at least 10,000/s",
            met=ours >= 10_000,
        ),
        Figure.of_ratio(
            what=f"The same about {MANY:,} things",
            baseline=f"about {FEW} things",
            measured=f"{ours:,.0f}/s against {median(few):,.0f}/s",
            ratio=ours / median(few),
            least=0.9,
        ),
        Figure(
            what="The same with the tenant looked up",
            baseline="0.5 ms",
            measured=f"p95 {p95:.2f} ms",
            ratio=p95 / 0.5,
            goal="p95 under 0.5 ms",
            met=p95 < 0.5,
        ),
    ]


def _rate(rules: Rules, caller: Principal, told: Circumstances, things: int) -> float:
    started = time.perf_counter()
    for _ in range(ROUND):
        assert rules.decide(caller, RENAME_DASHBOARD, f"dsh_{next(_numbers) % things}", lambda: told).allowed
    return ROUND / (time.perf_counter() - started)


def _cedar_alone() -> float:
    policies = cedarpy.PolicySet.from_str('permit (principal in Role::"write", action, resource);' + _ALONE)
    entities = cedarpy.Entities.from_json_str(
        json.dumps(
            [
                {"uid": {"type": "ApiKey", "id": "k"}, "attrs": {}, "parents": [{"type": "Role", "id": "write"}]},
                {"uid": {"type": "Role", "id": "write"}, "attrs": {}, "parents": []},
            ]
        )
    )
    request = {
        "principal": {"type": "ApiKey", "id": "k"},
        "action": {"type": "Action", "id": "rename"},
        "resource": {"type": "Dashboard", "id": "d"},
        "context": {"country": "NO"},
    }
    started = time.perf_counter()
    for _ in range(ROUND):
        assert cedarpy.is_authorized(request, policies, entities).allowed
    return ROUND / (time.perf_counter() - started)


_ALONE = _POLICY.replace("HarborGrid::", "")


async def _tenant(session: Session) -> TenantId:
    tenant, now = new_id(TenantId), utc_now()
    await PostgresTenants(session).put(
        Tenant(
            id=tenant,
            organisation="Bench",
            status=TenantStatus.ACTIVE,
            locale="en",
            timezone="Europe/Oslo",
            schema_revision=None,
            created_at=now,
        )
    )
    await PostgresPolicies(session).put(
        tenant,
        Policy(
            id=new_id(PolicyId),
            name="bench",
            description="",
            text=_POLICY,
            enabled=True,
            revision=1,
            created_at=now,
            updated_at=now,
        ),
    )
    return tenant
