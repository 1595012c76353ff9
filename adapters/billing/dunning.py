"""Dunning's policy and cases in the tenant's schema."""

from __future__ import annotations

from typing import Any

from adapters.postgres.rows import newest_first
from adapters.postgres.session import Session
from domain.billing.dunning_calendar import BUILT_IN
from domain.billing.dunning_errors import DunningCaseNotFound
from domain.billing.dunning_model import DunningCase, DunningPolicy, DunningStatus
from domain.billing.ids import CustomerId, InvoiceId, SubscriptionId
from domain.kernel.pagination import Page


class PostgresDunning:
    """See `domain.billing.ports.Dunning`."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def policy(self) -> DunningPolicy:
        """The tenant's, or the built-in one."""
        document = await self._sql.fetchval("SELECT document FROM billing_dunning_policy")
        return DunningPolicy.model_validate(document) if document else BUILT_IN

    async def put_policy(self, policy: DunningPolicy) -> bool:
        """Replace the revision before this one; False if that is not there any more."""
        changed = await self._sql.fetchval(
            "INSERT INTO billing_dunning_policy (revision, document) SELECT $1, $2 WHERE $1 = 1 OR EXISTS "
            "(SELECT FROM billing_dunning_policy) ON CONFLICT (one) DO UPDATE SET (revision, document) = ($1, $2) "
            "WHERE billing_dunning_policy.revision = $1 - 1 RETURNING true",
            policy.revision,
            policy.model_dump(mode="json"),
        )
        return bool(changed)

    async def find(self, invoice_id: InvoiceId) -> DunningCase | None:
        """The case, if there is or was one."""
        row = await self._sql.fetchrow("SELECT document FROM billing_dunning_case WHERE id = $1", invoice_id)
        return _case(row) if row else None

    async def hold(self, invoice_id: InvoiceId) -> DunningCase:
        """Locked until the transaction ends. Raises DunningCaseNotFound."""
        row = await self._sql.fetchrow("SELECT document FROM billing_dunning_case WHERE id = $1 FOR UPDATE", invoice_id)
        if row is None:
            raise DunningCaseNotFound
        return _case(row)

    async def suspended(self, customer: CustomerId) -> set[SubscriptionId]:
        """The customer's subscriptions that are suspended until they are paid for."""
        rows = await self._sql.fetch(
            "SELECT document ->> 'subscriptionId' AS id FROM billing_dunning_case WHERE customer_id = $1 "
            "AND status IN ('active', 'paused', 'exhausted') AND (document ->> 'suspended')::boolean",
            customer,
        )
        return {SubscriptionId(row["id"]) for row in rows if row["id"]}

    async def open_of(self, customer: CustomerId) -> list[InvoiceId]:
        """The customer's invoices about which something is done."""
        rows = await self._sql.fetch(
            "SELECT id FROM billing_dunning_case WHERE customer_id = $1 AND status IN ('active', 'paused') ORDER BY id",
            customer,
        )
        return [InvoiceId(row["id"]) for row in rows]

    async def put(self, case: DunningCase) -> None:
        """Insert or replace."""
        await self._sql.execute(
            "INSERT INTO billing_dunning_case (id, customer_id, status, document) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT (id) DO UPDATE SET (status, document) = (excluded.status, excluded.document)",
            case.invoice_id,
            case.customer_id,
            case.status,
            case.model_dump(mode="json"),
        )

    async def page(
        self, customer: CustomerId | None, status: DunningStatus | None, *, cursor: str | None, limit: int
    ) -> Page[DunningCase]:
        """Those of the newest invoices first."""
        return await newest_first(
            self._session,
            "billing_dunning_case",
            _case,
            where="($1::text IS NULL OR customer_id = $1) AND ($2::text IS NULL OR status = $2)",
            values=(customer, status),
            cursor=cursor,
            limit=limit,
        )


def _case(row: Any) -> DunningCase:
    return DunningCase.model_validate(row["document"])
