"""Tenants' accounts at payment providers."""

from __future__ import annotations

from domain.billing.payment_events import PaymentAccountConnected
from domain.billing.payment_model import PaymentAccount
from domain.billing.payment_ports import PaymentAccountsUnitOfWork
from domain.billing.permissions import CONNECT_PAYMENT_ACCOUNT
from domain.kernel.audit import AuditEntry


async def connect(uow: PaymentAccountsUnitOfWork, account: PaymentAccount) -> PaymentAccount:
    """Collect by it from now on; what was connected before is replaced."""
    await uow.accounts.put(account)
    uow.events.append(
        PaymentAccountConnected(
            tenant_id=account.tenant_id,
            payment_account_id=account.id,
            provider=account.provider,
            occurred_at=account.connected_at,
        )
    )
    uow.audit.record(
        AuditEntry(
            tenant_id=account.tenant_id,
            action=CONNECT_PAYMENT_ACCOUNT.name,
            resource=account.id,
            details={"provider": account.provider.value},
        )
    )
    return account
