"""A tenant's books in PostgreSQL."""

from __future__ import annotations

from adapters.billing.catalogue import PostgresCustomers, PostgresMeters, PostgresPlans
from adapters.billing.clocks import PostgresClocks
from adapters.billing.coupons import PostgresRedemptions
from adapters.billing.credit_notes import PostgresCreditNotes, PostgresRefunds
from adapters.billing.credits import PostgresCredits
from adapters.billing.documents import Documents
from adapters.billing.dunning import PostgresDunning
from adapters.billing.invoices import PostgresInvoices, PostgresLegalEntities
from adapters.billing.ledger import PostgresLedger
from adapters.billing.payments import PostgresPayments
from adapters.billing.revenue_lines import PostgresRevenue
from adapters.billing.subscriptions import PostgresLines, PostgresSubscriptions
from adapters.billing.usage import PostgresUsage
from adapters.billing.webhooks import PostgresWebhooks
from adapters.postgres.session import Session
from domain.billing.coupon_model import Coupon
from domain.billing.product_model import OneOffItem, Product


class PostgresBillingUnitOfWork:
    """One transaction on a tenant's books."""

    def __init__(self, session: Session) -> None:
        self.products = Documents(session, "billing_product", Product)
        self.items = Documents(session, "billing_item", OneOffItem)
        self.coupons = Documents(session, "billing_coupon", Coupon)
        self.redemptions = PostgresRedemptions(session)
        self.revenue = PostgresRevenue(session)
        self.webhooks = PostgresWebhooks(session)
        self.credit_notes = PostgresCreditNotes(session)
        self.refunds = PostgresRefunds(session)
        self.credits = PostgresCredits(session)
        self.plans = PostgresPlans(session)
        self.meters = PostgresMeters(session)
        self.customers = PostgresCustomers(session)
        self.subscriptions = PostgresSubscriptions(session)
        self.lines = PostgresLines(session)
        self.usage = PostgresUsage(session)
        self.legal_entities = PostgresLegalEntities(session)
        self.invoices = PostgresInvoices(session)
        self.payments = PostgresPayments(session)
        self.dunning = PostgresDunning(session)
        self.clocks = PostgresClocks(session)
        self.ledger = PostgresLedger(session)
        self.events = session
        self.audit = session
