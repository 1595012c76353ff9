"""What billing keeps about a person: customers that have their address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from adapters.postgres.personal_data import has_schema
from adapters.postgres.session import Session
from domain.kernel.personal_data import ERASED, IMPERSONAL, Kept, Receipt, Subject

_THEIRS = "lower(email) = $1"
INVOICES = "tax law demands that invoices are kept as they were issued (GDPR, Article 17(3)(b))"
_ISSUED = (
    "SELECT id, number, content, finalized_at AS issued_at FROM billing_invoice "
    "WHERE number IS NOT NULL AND lower(content -> 'buyer' ->> 'email') = $1 UNION ALL "
    "SELECT id, number, content, created_at FROM billing_credit_note WHERE lower(content -> 'buyer' ->> 'email') = $1"
)


class BillingPersonalData:
    """Customers, in the tenant's own schema: what they bought stays, who they were goes."""

    module = "billing"
    tables: ClassVar[Mapping[str, str]] = {
        "billing_platform_plan": IMPERSONAL,
        "billing_platform_subscription": IMPERSONAL,
        "billing_plan": IMPERSONAL,
        "billing_product": IMPERSONAL,
        "billing_item": IMPERSONAL,
        "billing_credit_grant": IMPERSONAL,
        "billing_credit_use": IMPERSONAL,
        "billing_credit_note": INVOICES,
        "billing_refund": IMPERSONAL,
        "billing_coupon": IMPERSONAL,
        "billing_coupon_redemption": IMPERSONAL,
        "billing_meter": IMPERSONAL,
        "billing_customer": ERASED,
        "billing_subscription": IMPERSONAL,
        "billing_subscription_revision": IMPERSONAL,
        "billing_line": IMPERSONAL,
        "billing_usage": IMPERSONAL,
        "billing_usage_threshold": IMPERSONAL,
        "billing_closed_period": IMPERSONAL,
        "billing_legal_entity": IMPERSONAL,
        "billing_invoice_number": IMPERSONAL,
        "billing_invoice": INVOICES,
        "billing_journal_entry": IMPERSONAL,
        "billing_posting": IMPERSONAL,
        "billing_payment_method": ERASED,
        "billing_payment": IMPERSONAL,
        "billing_webhook_endpoint": IMPERSONAL,
        "billing_webhook_delivery": IMPERSONAL,
        "billing_webhook_attempt": IMPERSONAL,
        "billing_revenue_report": IMPERSONAL,
        "billing_test_clock": IMPERSONAL,
        "billing_dunning_policy": IMPERSONAL,
        "billing_dunning_case": IMPERSONAL,
        "billing_provider_event": IMPERSONAL,
        "billing_payment_account": IMPERSONAL,
    }

    async def find(self, session: Session, subject: Subject) -> list[dict[str, Any]]:
        """Customers with the address."""
        if not await has_schema(session, subject.tenant_id):
            return []
        async with session.acting_as(subject.tenant_id):
            rows = await session.sql.fetch(
                "SELECT id, external_id, name, email, address, country, tax_id, currency, timezone, locale, "
                f"created_at, updated_at FROM billing_customer WHERE {_THEIRS} ORDER BY id",
                subject.address,
            )
            invoices = await session.sql.fetch(
                f"SELECT id, number, content -> 'buyer' AS buyer, issued_at FROM ({_ISSUED}) AS issued ORDER BY id",
                subject.address,
            )
        return [
            *({**dict(row), "kind": "customer"} for row in rows),
            *({**dict(row), "kind": "invoice"} for row in invoices),
        ]

    async def erase(self, session: Session, subject: Subject) -> Receipt:
        """Take away who they were; what they bought is kept under an id that names nobody, and issued invoices are."""
        if not await has_schema(session, subject.tenant_id):
            return Receipt(module=self.module, found=0)
        async with session.acting_as(subject.tenant_id):
            rows = await session.sql.fetch(
                "UPDATE billing_customer SET name = '[erased]', email = '[erased]', external_id = NULL, "
                "address = '{}', usage_subjects = '{}', tax_id = NULL, revision = revision + 1 "
                f"WHERE {_THEIRS} RETURNING id",
                subject.address,
            )
            issued: int = await session.sql.fetchval(f"SELECT count(*) FROM ({_ISSUED}) AS issued", subject.address)
            await session.sql.execute(
                "UPDATE billing_payment_method AS m SET label = '[erased]', token = '[erased]', expires = NULL, "
                "account_reference = '[erased]', is_default = false, removed_at = coalesce(removed_at, now()) "
                "WHERE m.customer_id = ANY ($1)",
                [row["id"] for row in rows],
            )
        kept = (Kept(what="issued invoices and credit notes", count=issued, why=INVOICES),) if issued else ()
        return Receipt(module=self.module, found=len(rows) + issued, erased=len(rows), kept=kept)

    async def left(self, session: Session, subject: Subject) -> int:
        """How many customers have the address."""
        if not await has_schema(session, subject.tenant_id):
            return 0
        async with session.acting_as(subject.tenant_id):
            left: int = await session.sql.fetchval(
                f"SELECT count(*) FROM billing_customer WHERE {_THEIRS}", subject.address
            )
        return left
