"""What billing asks of payment providers, and of the database about payments."""

from __future__ import annotations

from typing import Protocol

from domain.billing.customer_model import Customer
from domain.billing.events import Provider
from domain.billing.ids import CustomerId, InvoiceId, PaymentId, PaymentMethodId
from domain.billing.payment_model import (
    AttachedMethod,
    ChargeOrder,
    Connection,
    Credentials,
    Payment,
    PaymentAccount,
    PaymentStatus,
    ProviderAnswer,
    SavedPaymentMethod,
)
from domain.billing.refund_model import RefundAnswer, RefundOrder
from domain.bus.ports import EventLog
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.ports import AuditTrail


class PaymentAccounts(Protocol):
    """Tenants' accounts at providers."""

    async def put(self, account: PaymentAccount) -> None:
        """Insert or replace the tenant's account at this provider."""
        ...

    async def find(self, tenant: TenantId, provider: Provider) -> PaymentAccount | None:
        """The account, if there is one."""
        ...

    async def of(self, tenant: TenantId) -> list[PaymentAccount]:
        """All the tenant has, by provider."""
        ...


class PaymentAccountsUnitOfWork(Protocol):
    """One transaction on tenants' accounts at providers."""

    @property
    def accounts(self) -> PaymentAccounts: ...
    @property
    def events(self) -> EventLog: ...
    @property
    def audit(self) -> AuditTrail: ...


class Providers(Protocol):
    """The providers at which tenants have accounts. All that names a tenant raises PaymentAccountNotConnected.

    ProviderUnreachable means that nobody knows whether it was done.
    """

    async def connect(self, provider: Provider, credentials: Credentials, webhooks: str) -> Connection:
        """Whether they are right; webhooks come to this URL from now on. Raises PaymentAccountRefused."""
        ...

    async def attach(
        self, tenant: TenantId, provider: Provider, customer: Customer, token: str, *, known_as: str | None
    ) -> AttachedMethod:
        """Have it kept for the customer, whom the provider may know already.

        Raises PaymentMethodRefused, ProviderUnreachable.
        """
        ...

    async def detach(self, tenant: TenantId, method: SavedPaymentMethod) -> None:
        """Have it forgotten, if it is still there. Raises ProviderUnreachable."""
        ...

    async def charge(self, tenant: TenantId, order: ChargeOrder) -> ProviderAnswer:
        """Collect, once for each payment id however often it is asked. Raises ProviderUnreachable."""
        ...

    async def refund(self, tenant: TenantId, order: RefundOrder) -> RefundAnswer:
        """Give back, once for each key however often it is asked. Raises ProviderUnreachable."""
        ...

    async def look_up_refund(self, tenant: TenantId, order: RefundOrder) -> RefundAnswer | None:
        """What it knows of this refund; None if it never heard of it. Raises ProviderUnreachable."""
        ...

    async def look_up(self, tenant: TenantId, order: ChargeOrder) -> ProviderAnswer | None:
        """What it knows of this payment; None if it never heard of it. Raises ProviderUnreachable."""
        ...

    async def cancel(self, tenant: TenantId, order: ChargeOrder, known: ProviderAnswer) -> ProviderAnswer:
        """Drop it, unless money has moved meanwhile: how it stands then. Raises ProviderUnreachable."""
        ...


class Payments(Protocol):
    """Payments and payment methods."""

    async def method(self, method_id: PaymentMethodId, *, removed: bool = False) -> SavedPaymentMethod:
        """removed: even if it was. Raises PaymentMethodNotFound."""
        ...

    async def methods_of(self, customer: CustomerId) -> list[SavedPaymentMethod]:
        """Those that were not removed, newest first. Nobody else adds one until the transaction ends."""
        ...

    async def default_method(self, customer: CustomerId) -> SavedPaymentMethod | None:
        """By which invoices are collected."""
        ...

    async def no_default(self, customer: CustomerId) -> None:
        """None of the customer's is."""
        ...

    async def put_method(self, method: SavedPaymentMethod) -> None:
        """Insert or replace."""
        ...

    async def is_busy(self, method_id: PaymentMethodId) -> bool:
        """Whether a payment by it is under way."""
        ...

    async def hold(self, payment_id: PaymentId) -> Payment:
        """The payment, which nobody else changes until the transaction ends. Raises PaymentNotFound."""
        ...

    async def get(self, payment_id: PaymentId) -> Payment:
        """Raises PaymentNotFound."""
        ...

    async def live(self, invoice_id: InvoiceId) -> Payment | None:
        """The one by which money may still move."""
        ...

    async def succeeded(self, invoice_id: InvoiceId) -> Payment | None:
        """The one that has collected the invoice, which nobody else changes until the transaction ends."""
        ...

    async def referred(self, provider: Provider, reference: str) -> Payment | None:
        """The one that the provider calls so."""
        ...

    async def attempts(self, invoice_id: InvoiceId) -> int:
        """How many there were."""
        ...

    async def put(self, payment: Payment) -> None:
        """Insert or replace. The database refuses a second live one of an invoice."""
        ...

    async def page(
        self,
        customer: CustomerId | None,
        invoice: InvoiceId | None,
        status: PaymentStatus | None,
        *,
        cursor: str | None,
        limit: int,
    ) -> Page[Payment]:
        """Newest first."""
        ...

    async def first_told(self, provider: Provider, event_id: str) -> bool:
        """Whether this webhook had not been heard of; it has now."""
        ...
