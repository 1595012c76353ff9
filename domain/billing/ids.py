"""Ids of billing."""

from domain.kernel.ids import Id


class SubscriptionId(Id, prefix="sub"):
    """A tenant's subscription to a plan."""


class InvoiceId(Id, prefix="inv"):
    """An invoice."""


class PaymentId(Id, prefix="pay"):
    """One attempt to collect money."""


class CustomerId(Id, prefix="cus"):
    """Somebody a tenant sells to."""


class LineId(Id, prefix="lin"):
    """One line of what a customer is charged or credited."""


class JournalEntryId(Id, prefix="jrn"):
    """An entry in the ledger."""


class CreditGrantId(Id, prefix="crg"):
    """Credit that a customer was granted."""


class CreditNoteId(Id, prefix="crn"):
    """A credit note."""


class RefundId(Id, prefix="rfd"):
    """Money that is given back by a provider."""


class WebhookEndpointId(Id, prefix="whe"):
    """A place that a tenant wants to be told at."""


class WebhookDeliveryId(Id, prefix="whd"):
    """An event for a webhook endpoint."""


class RevenueReportId(Id, prefix="rvr"):
    """A report of recurring revenue."""


class RedemptionId(Id, prefix="rdm"):
    """A coupon that a customer has redeemed."""


class ClockId(Id, prefix="clk"):
    """A test clock."""


class PaymentMethodId(Id, prefix="pmt"):
    """A payment method that a provider keeps for a customer."""


class PaymentAccountId(Id, prefix="pac"):
    """A tenant's account at a payment provider."""
