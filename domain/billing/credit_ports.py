"""What billing asks of the database about coupons, credit, credit notes and refunds."""

from __future__ import annotations

from typing import Protocol

from domain.billing.coupon_model import Redemption
from domain.billing.credit_model import CreditGrant, CreditUse, GrantStatus
from domain.billing.credit_note_model import CreditNote
from domain.billing.ids import (
    CreditGrantId,
    CreditNoteId,
    CustomerId,
    InvoiceId,
    PaymentId,
    RedemptionId,
    RefundId,
)
from domain.billing.refund_model import Refund, RefundStatus
from domain.kernel.pagination import Page


class Redemptions(Protocol):
    """Coupons that customers have redeemed."""

    async def running(self, customer: CustomerId, *, hold: bool) -> list[Redemption]:
        """The customer's that are not over, in the order in which they were redeemed.

        hold: nobody else changes them until the transaction ends.
        """
        ...

    async def of_coupon(self, coupon: str, customer: CustomerId) -> tuple[int, bool]:
        """How often it was redeemed, and whether by this customer. Nobody else redeems it meanwhile."""
        ...

    async def hold(self, redemption_id: RedemptionId) -> Redemption:
        """The redemption, which nobody else changes until the transaction ends. Raises CouponRedemptionNotFound."""
        ...

    async def put(self, redemption: Redemption) -> None:
        """Insert or replace."""
        ...

    async def page(self, customer: CustomerId | None, *, cursor: str | None, limit: int) -> Page[Redemption]:
        """Newest first."""
        ...


class Credits(Protocol):
    """What customers have to spend."""

    async def open_of(self, customer: CustomerId, *, hold: bool) -> list[CreditGrant]:
        """The customer's that are pending or active. hold: nobody else spends them until the transaction ends."""
        ...

    async def bought_by(self, invoice_id: InvoiceId) -> list[CreditGrant]:
        """Those that this invoice is for, held."""
        ...

    async def hold(self, credit_grant_id: CreditGrantId) -> CreditGrant:
        """The grant, which nobody else changes until the transaction ends. Raises CreditGrantNotFound."""
        ...

    async def get(self, credit_grant_id: CreditGrantId) -> CreditGrant:
        """Raises CreditGrantNotFound."""
        ...

    async def put(self, grant: CreditGrant) -> None:
        """Insert or replace. The database refuses more to be left than was granted."""
        ...

    async def use(self, use: CreditUse) -> None:
        """Insert or replace."""
        ...

    async def uses_of(self, invoice_id: InvoiceId) -> list[CreditUse]:
        """What this invoice was paid with."""
        ...

    async def uses(self, credit_grant_id: CreditGrantId) -> list[CreditUse]:
        """What this grant was used for, oldest first."""
        ...

    async def page(
        self, customer: CustomerId | None, status: GrantStatus | None, *, cursor: str | None, limit: int
    ) -> Page[CreditGrant]:
        """Newest first."""
        ...


class IssuedCreditNotes(Protocol):
    """Credit notes."""

    async def put(self, note: CreditNote) -> None:
        """Insert or replace. The database refuses another content or number."""
        ...

    async def get(self, note_id: CreditNoteId) -> CreditNote:
        """Raises CreditNoteNotFound."""
        ...

    async def hold(self, note_id: CreditNoteId) -> CreditNote:
        """The note, which nobody else changes until the transaction ends. Raises CreditNoteNotFound."""
        ...

    async def of_invoice(self, invoice_id: InvoiceId) -> list[CreditNote]:
        """Those of this invoice, oldest first."""
        ...

    async def page(
        self, customer: CustomerId | None, invoice: InvoiceId | None, *, cursor: str | None, limit: int
    ) -> Page[CreditNote]:
        """Newest first."""
        ...


class Refunds(Protocol):
    """Refunds."""

    async def put(self, refund: Refund) -> None:
        """Insert or replace."""
        ...

    async def get(self, refund_id: RefundId) -> Refund:
        """Raises RefundNotFound."""
        ...

    async def hold(self, refund_id: RefundId) -> Refund:
        """The refund, which nobody else changes until the transaction ends. Raises RefundNotFound."""
        ...

    async def asked_of(self, payment_id: PaymentId) -> int:
        """What was and is to be given back of this payment, in minor units; without what has failed."""
        ...

    async def page(
        self, customer: CustomerId | None, status: RefundStatus | None, *, cursor: str | None, limit: int
    ) -> Page[Refund]:
        """Newest first."""
        ...
