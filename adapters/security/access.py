"""What holds in each tenant, parsed and remembered until its policies or its plan change."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence

from adapters.postgres.database import Database
from adapters.postgres.session import Session
from adapters.security.policies import PostgresPolicies
from adapters.security.remembered import FRESH_SECONDS, Remembered
from adapters.security.revocations import Revocations
from adapters.telemetry.metrics import POLICIES_PARSED
from domain.kernel.ids import TenantId
from domain.security.authorization import Rules
from domain.security.cedar import Statements, Vocabulary
from domain.security.ids import PolicyId
from domain.security.model import Entitlements, Policy
from domain.security.policies import statements_of, with_draft

EntitlementsOf = Callable[[Session, TenantId], Awaitable[Entitlements]]
_KEPT = 1_000
Version = tuple[object, ...]


class AccessRules:
    """Rules by tenant. Parsing them takes a millisecond for each policy, so they are parsed when they differ."""

    def __init__(
        self, database: Database, revocations: Revocations, vocabulary: Vocabulary, entitlements: EntitlementsOf
    ) -> None:
        self.vocabulary = vocabulary
        self.outside_tenants = Rules(vocabulary, tenant=None)
        self._database, self._entitlements = database, entitlements
        self._parsed: OrderedDict[TenantId, tuple[Version, Rules]] = OrderedDict()
        self._remembered: Remembered[TenantId, Rules] = Remembered(
            self._look_up, revocations, lambda about, tenant, _: about == tenant
        )

    def now(self, tenant: TenantId) -> Rules | None:
        """What holds in the tenant, if it is remembered."""
        return self._remembered.now(tenant)

    async def of(self, tenant: TenantId) -> Rules:
        """What holds in the tenant."""
        return await self._remembered.get(tenant)

    async def with_draft(self, tenant: TenantId, text: str, *, replaces: PolicyId | None) -> Rules:
        """What would hold with this policy. Raises PolicyInvalid; PolicyNotFound if there is none to replace."""
        self.vocabulary.validate(text)

        async def work(session: Session) -> Rules:
            if replaces is not None:
                await PostgresPolicies(session).get(tenant, replaces)
            entitlements, timezone, policies = await self._facts(session, tenant)
            return self._rules(tenant, entitlements, timezone, with_draft(policies, text, replaces=replaces))

        return await self._database.run(None, work)

    async def _look_up(self, tenant: TenantId) -> tuple[Rules, float]:
        async def work(session: Session) -> tuple[Version, Rules]:
            entitlements, timezone, policies = await self._facts(session, tenant)
            enabled = [policy for policy in policies if policy.enabled]
            version = (entitlements, timezone, *((policy.id, policy.revision) for policy in enabled))
            known = self._parsed.get(tenant)
            if known is not None and known[0] == version:
                return known
            POLICIES_PARSED.inc(len(enabled))
            return version, self._rules(tenant, entitlements, timezone, statements_of(enabled))

        version, rules = await self._database.run(None, work)
        self._parsed[tenant] = (version, rules)
        self._parsed.move_to_end(tenant)
        if len(self._parsed) > _KEPT:
            self._parsed.popitem(last=False)
        return rules, FRESH_SECONDS

    async def _facts(self, session: Session, tenant: TenantId) -> tuple[Entitlements, str, Sequence[Policy]]:
        timezone = await session.sql.fetchval("SELECT timezone FROM security_tenant WHERE id = $1", tenant)
        policies = await PostgresPolicies(session).all(tenant)
        return await self._entitlements(session, tenant), timezone or "UTC", policies

    def _rules(
        self, tenant: TenantId, entitlements: Entitlements, timezone: str, statements: Mapping[str, Statements]
    ) -> Rules:
        return Rules(self.vocabulary, tenant=tenant, timezone=timezone, entitlements=entitlements, policies=statements)
