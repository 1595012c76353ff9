"""What billing asks of the database: a tenant's own books."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import Any, Protocol, TypeVar

from domain.billing.clock_model import Ahead, SimulatedClock
from domain.billing.coupon_model import Coupon, Redemption
from domain.billing.credit_model import CreditGrant, CreditUse, GrantStatus
from domain.billing.credit_note_model import CreditNote
from domain.billing.customer_model import Customer
from domain.billing.dunning_model import DunningCase, DunningPolicy, DunningStatus
from domain.billing.entitlement_model import Entitled
from domain.billing.ids import (
    ClockId,
    CreditGrantId,
    CreditNoteId,
    CustomerId,
    InvoiceId,
    PaymentId,
    RedemptionId,
    RefundId,
    RevenueReportId,
    SubscriptionId,
    WebhookDeliveryId,
    WebhookEndpointId,
)
from domain.billing.invoice_model import Invoice, InvoiceLine, InvoiceStatus
from domain.billing.ledger_model import AccountBalance, DeferredMonth, EntryKind, JournalEntry
from domain.billing.legal_entity_model import LegalEntity
from domain.billing.metering_model import Meter
from domain.billing.payment_ports import Payments
from domain.billing.plan_model import PlanTerms, PlanVersion
from domain.billing.product_model import OneOffItem, Product
from domain.billing.refund_model import Refund, RefundStatus
from domain.billing.revenue_model import RevenueLine, RevenueReport
from domain.billing.subscription_model import (
    Accrual,
    ClosedPeriod,
    Counted,
    Happening,
    Line,
    Subscription,
    SubscriptionRevision,
    SubscriptionStatus,
)
from domain.billing.usage_model import Span, UsageEvent
from domain.billing.webhook_model import DeliveryStatus, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from domain.bus.ports import EventLog
from domain.kernel.pagination import Page
from domain.kernel.ports import AuditTrail

T = TypeVar("T")


class Listed(Protocol[T]):
    """Things of a tenant's catalogue that have a code and revisions."""

    async def add(self, thing: T) -> bool:
        """Insert; False if there is one with its code."""
        ...

    async def put(self, thing: T) -> bool:
        """Replace the revision before this one; False if that is not there any more."""
        ...

    async def find(self, code: str) -> T | None:
        """The one with this code, if there is one."""
        ...

    async def page(self, *, cursor: str | None, limit: int) -> Page[T]:
        """By code."""
        ...


class Plans(Protocol):
    """Plans and add-ons, in all their versions."""

    async def add(self, version: PlanVersion) -> bool:
        """Insert; False if there is this version already."""
        ...

    async def newest(self, code: str) -> PlanVersion:
        """The last one published, whether or not in force yet; nobody publishes another meanwhile.

        Raises PlanNotFound.
        """
        ...

    async def in_force(self, code: str, at: datetime) -> PlanVersion:
        """The version that new subscriptions get at this instant. Raises PlanNotFound."""
        ...

    async def get(self, code: str, version: int) -> PlanVersion:
        """Raises PlanNotFound."""
        ...

    async def terms(self, versions: Collection[tuple[str, int]]) -> dict[tuple[str, int], PlanTerms]:
        """The terms of these versions, which are there."""
        ...

    async def versions(self, code: str) -> list[PlanVersion]:
        """All of them, newest first. Raises PlanNotFound."""
        ...

    async def page(self, at: datetime, *, cursor: str | None, limit: int) -> Page[PlanVersion]:
        """The versions in force at this instant, by code."""
        ...


class Meters(Protocol):
    """Meters."""

    async def add(self, meter: Meter) -> bool:
        """Insert; False if there is one with this code."""
        ...

    async def find(self, code: str) -> Meter | None:
        """The meter, if it exists."""
        ...

    async def of_types(self, types: Collection[str]) -> list[Meter]:
        """Those that count events of these types."""
        ...

    async def watch(self, codes: Collection[str]) -> None:
        """Somebody is to be told when usage that these count reaches what is included."""
        ...

    async def watched(self, types: Collection[str]) -> set[str]:
        """Those of these event types that a watched meter counts."""
        ...

    async def named(self, codes: Collection[str]) -> dict[str, Meter]:
        """Those with these codes."""
        ...

    async def page(self, *, cursor: str | None, limit: int) -> Page[Meter]:
        """By code."""
        ...


class Customers(Protocol):
    """Customers."""

    async def add(self, customer: Customer) -> CustomerId | None:
        """Insert; or whose external id it is already."""
        ...

    async def put(self, customer: Customer) -> bool:
        """Replace the revision before this one; False if that is not there any more."""
        ...

    async def get(self, customer_id: CustomerId) -> Customer:
        """Raises CustomerNotFound."""
        ...

    async def called(self, name: str) -> CustomerId | None:
        """The one with this id or external id."""
        ...

    async def named(self, subjects: Collection[str]) -> list[CustomerId]:
        """Those that usage calls so."""
        ...

    async def page(self, external_id: str | None, *, cursor: str | None, limit: int) -> Page[Customer]:
        """Newest first; those with this external id only, if one is given."""
        ...


class Subscriptions(Protocol):
    """Customers' subscriptions, with their history."""

    async def hold(self, subscription_id: SubscriptionId) -> Subscription:
        """The subscription, which nobody else changes until the transaction ends. Raises SubscriptionNotFound."""
        ...

    async def get(self, subscription_id: SubscriptionId) -> Subscription:
        """Raises SubscriptionNotFound."""
        ...

    async def entitling(self, customer: CustomerId) -> list[Subscription]:
        """The customer's that run, trials with them, oldest first."""
        ...

    async def awaiting_method(self, customer: CustomerId) -> list[SubscriptionId]:
        """The customer's that wait for a payment method since their trial."""
        ...

    async def put(self, subscription: Subscription, step: Happening | None) -> None:
        """Insert or replace; `step` is what happens to it next."""
        ...

    async def record(self, subscription_id: SubscriptionId, revision: SubscriptionRevision) -> None:
        """Add to its history."""
        ...

    async def revisions(
        self, subscription_id: SubscriptionId, *, cursor: str | None, limit: int
    ) -> Page[SubscriptionRevision]:
        """Newest first."""
        ...

    async def page(
        self, customer: CustomerId | None, status: SubscriptionStatus | None, *, cursor: str | None, limit: int
    ) -> Page[Subscription]:
        """Newest first."""
        ...


class Lines(Protocol):
    """What customers were charged and credited."""

    async def add(self, lines: Sequence[Line]) -> None:
        """Insert; a key that a subscription has already is an error."""
        ...

    async def page(self, subscription_id: SubscriptionId, *, cursor: str | None, limit: int) -> Page[Line]:
        """Newest first."""
        ...

    async def uninvoiced(self, subscription_id: SubscriptionId) -> list[Line]:
        """Those that are on no invoice yet, and on no credit note."""
        ...

    async def of_invoice(self, invoice_id: InvoiceId) -> list[Line]:
        """Those that an invoice is for."""
        ...

    async def invoice(self, lines: Sequence[Line], invoice_id: InvoiceId) -> None:
        """They are on this invoice."""
        ...

    async def discount(self, lines: Sequence[Line], told: Sequence[InvoiceLine]) -> None:
        """What an invoice takes off these lines, which tells them in its own order."""
        ...

    async def share_off(self, subscription_id: SubscriptionId, credit: Accrual) -> Fraction:
        """Which share was taken off the charge that this credit gives back a part of."""
        ...

    async def credit(self, lines: Sequence[Line], note_id: CreditNoteId) -> None:
        """They are given back by this credit note, and wait for no invoice."""
        ...

    async def release(self, invoice_id: InvoiceId) -> None:
        """What was on a draft waits for the next invoice."""
        ...


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


class Revenue(Protocol):
    """Revenue reports, and the lines that they are made of."""

    async def put(self, report: RevenueReport, charts: dict[str, str] | None = None) -> None:
        """Insert or replace."""
        ...

    async def get(self, report_id: RevenueReportId) -> RevenueReport:
        """Raises RevenueReportNotFound."""
        ...

    async def chart(self, report_id: RevenueReportId, name: str) -> str | None:
        """As SVG, if there is one."""
        ...

    async def page(self, *, cursor: str | None, limit: int) -> Page[RevenueReport]:
        """Newest first."""
        ...

    async def lines(
        self, at: datetime, customer: CustomerId | None, *, cursor: str | None, limit: int
    ) -> Page[RevenueLine]:
        """What counts at this instant, by line id."""
        ...

    async def all_lines(self, until: datetime) -> list[tuple[Any, ...]]:
        """Customer, currency, start, end and month's worth (minor units) of every line that begins before this."""
        ...


class Webhooks(Protocol):
    """Webhook endpoints, and what is queued for them."""

    async def endpoints(self) -> list[WebhookEndpoint]:
        """Those that were not removed, oldest first."""
        ...

    async def get(self, id_: WebhookEndpointId, *, removed: bool = False) -> WebhookEndpoint:
        """removed: even if it was. Raises WebhookEndpointNotFound."""
        ...

    async def hold(self, id_: WebhookEndpointId, *, removed: bool = False) -> WebhookEndpoint:
        """The same; nobody else changes it until the transaction ends. Raises WebhookEndpointNotFound."""
        ...

    async def put(self, endpoint: WebhookEndpoint) -> None:
        """Insert or replace."""
        ...

    async def add(self, deliveries: Sequence[WebhookDelivery]) -> None:
        """Insert; what an endpoint has of an event already stays."""
        ...

    async def due(self, id_: WebhookEndpointId, now: datetime, *, limit: int) -> list[WebhookDelivery]:
        """Those whose time has come, the oldest first."""
        ...

    async def waiting(self, id_: WebhookEndpointId) -> tuple[int, datetime | None]:
        """How many wait for it, and when the first is due."""
        ...

    async def delivery(self, delivery_id: WebhookDeliveryId) -> WebhookDelivery:
        """Raises WebhookDeliveryNotFound."""
        ...

    async def put_delivery(self, delivery: WebhookDelivery) -> None:
        """Replace."""
        ...

    async def log(self, delivery_id: WebhookDeliveryId, attempt: WebhookAttempt) -> None:
        """Keep it."""
        ...

    async def attempts(self, delivery_id: WebhookDeliveryId) -> list[WebhookAttempt]:
        """Oldest first."""
        ...

    async def queue_again(self, id_: WebhookEndpointId, since: datetime, until: datetime, now: datetime) -> int:
        """All that was queued between these; how many."""
        ...

    async def page(
        self, endpoint: WebhookEndpointId | None, status: DeliveryStatus | None, *, cursor: str | None, limit: int
    ) -> Page[WebhookDelivery]:
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


class UsageLog(Protocol):
    """What customers' systems have reported, and the periods that were charged for it."""

    async def record(self, events: Sequence[UsageEvent], now: datetime) -> int:
        """Keep those that are new; how many. Raises UsageConflict if one is there with another content."""
        ...

    async def void(self, source: str, id_: str, reason: str, now: datetime) -> None:
        """It counts no more. Raises UsageNotFound."""
        ...

    async def unknown_subjects(self, subjects: Collection[str]) -> list[str]:
        """Those that are no customer's."""
        ...

    async def first_crossed(self, entitled: Entitled, percent: int, now: datetime) -> bool:
        """Whether usage had not been known to reach this share in this period; it is now."""
        ...

    async def count(
        self,
        meter: Meter,
        filters: Mapping[str, Sequence[str]],
        group_by: Sequence[str],
        subjects: Sequence[str],
        span: Span,
        *,
        one_by_one: bool,
    ) -> list[Counted]:
        """What the meter counts in this time, for each group; without groups there is always one.

        one_by_one: the amounts of transactions as well.
        """
        ...

    async def close(self, period: ClosedPeriod) -> None:
        """Insert or replace."""
        ...

    async def to_look_at(
        self, subscription_id: SubscriptionId, subjects: Sequence[str], since: datetime
    ) -> list[ClosedPeriod]:
        """Periods that ended after `since`: the last, and those for which something came after they were closed."""
        ...


class LegalEntities(Protocol):
    """Who of the tenant's sells."""

    async def add(self, entity: LegalEntity) -> bool:
        """Insert; False if there is one with its code or number prefix."""
        ...

    async def put(self, entity: LegalEntity) -> bool:
        """Replace the revision before this one; False if that is gone, or another has its number prefix."""
        ...

    async def get(self, code: str) -> LegalEntity:
        """Raises LegalEntityNotFound."""
        ...

    async def selling(self, code: str | None) -> LegalEntity | None:
        """This one, or the first; None if there is none."""
        ...

    async def page(self, *, cursor: str | None, limit: int) -> Page[LegalEntity]:
        """By code."""
        ...


class Invoices(Protocol):
    """Invoices."""

    async def hold(self, invoice_id: InvoiceId) -> Invoice:
        """The invoice, which nobody else changes until the transaction ends. Raises InvoiceNotFound."""
        ...

    async def get(self, invoice_id: InvoiceId) -> Invoice:
        """Raises InvoiceNotFound."""
        ...

    async def put(self, invoice: Invoice) -> None:
        """Insert or replace. The database refuses another content or number once it has one."""
        ...

    async def number(self, prefix: str, year: int) -> int:
        """The next one, from 1, without a gap: it is taken back if the transaction is."""
        ...

    async def page(
        self,
        customer: CustomerId | None,
        subscription: SubscriptionId | None,
        status: InvoiceStatus | None,
        *,
        cursor: str | None,
        limit: int,
    ) -> Page[Invoice]:
        """Newest first."""
        ...


class Ledger(Protocol):
    """Entries in double entry, which are only ever added."""

    async def add(self, entries: Sequence[JournalEntry]) -> None:
        """Insert. The database refuses what does not balance."""
        ...

    async def of_invoice(self, invoice_id: InvoiceId, kinds: Collection[EntryKind]) -> list[JournalEntry]:
        """The entries of these kinds about it, oldest first."""
        ...

    async def page(
        self, customer: CustomerId | None, invoice: InvoiceId | None, *, cursor: str | None, limit: int
    ) -> Page[JournalEntry]:
        """Newest first."""
        ...

    async def balances(self, day: date) -> list[AccountBalance]:
        """Of every account, up to this day and with it."""
        ...

    async def deferred(self, first: date, last: date) -> list[DeferredMonth]:
        """What each month from that of `first` to that of `last` did to deferred revenue."""
        ...


class Dunning(Protocol):
    """What is done about invoices that could not be collected."""

    async def policy(self) -> DunningPolicy:
        """The tenant's, or the built-in one."""
        ...

    async def put_policy(self, policy: DunningPolicy) -> bool:
        """Replace the revision before this one; False if that is not there any more."""
        ...

    async def find(self, invoice_id: InvoiceId) -> DunningCase | None:
        """The case, if there is or was one."""
        ...

    async def hold(self, invoice_id: InvoiceId) -> DunningCase:
        """The case, which nobody else changes until the transaction ends. Raises DunningCaseNotFound."""
        ...

    async def suspended(self, customer: CustomerId) -> set[SubscriptionId]:
        """The customer's subscriptions that are suspended until they are paid for."""
        ...

    async def open_of(self, customer: CustomerId) -> list[InvoiceId]:
        """The customer's invoices about which something is done."""
        ...

    async def put(self, case: DunningCase) -> None:
        """Insert or replace."""
        ...

    async def page(
        self, customer: CustomerId | None, status: DunningStatus | None, *, cursor: str | None, limit: int
    ) -> Page[DunningCase]:
        """Those of the newest invoices first."""
        ...


class Clocks(Protocol):
    """Test clocks."""

    async def put(self, clock: SimulatedClock) -> None:
        """Insert or replace."""
        ...

    async def find(self, clock_id: ClockId) -> SimulatedClock | None:
        """The clock, if there is one."""
        ...

    async def hold(self, clock_id: ClockId) -> SimulatedClock:
        """The clock, which nobody else changes until the transaction ends. Raises ClockNotFound."""
        ...

    async def page(self, *, cursor: str | None, limit: int) -> Page[SimulatedClock]:
        """Newest first."""
        ...

    async def now_of(self, customer_id: CustomerId, world: datetime) -> datetime:
        """What the customer's clock shows at this instant of the world's; that instant if it has none."""
        ...

    async def latest(self, subjects: Collection[str], world: datetime) -> datetime:
        """What the clock shows that is farthest ahead, of the customers that are called so."""
        ...

    async def customers(self, clock_id: ClockId) -> list[CustomerId]:
        """Whose time it is."""
        ...

    async def ahead(self, customer_id: CustomerId) -> Ahead:
        """What comes for a customer."""
        ...


class BillingUnitOfWork(Protocol):
    """One transaction on a tenant's books."""

    @property
    def products(self) -> Listed[Product]: ...
    @property
    def items(self) -> Listed[OneOffItem]: ...
    @property
    def plans(self) -> Plans: ...
    @property
    def meters(self) -> Meters: ...
    @property
    def customers(self) -> Customers: ...
    @property
    def subscriptions(self) -> Subscriptions: ...
    @property
    def lines(self) -> Lines: ...
    @property
    def coupons(self) -> Listed[Coupon]: ...
    @property
    def redemptions(self) -> Redemptions: ...
    @property
    def revenue(self) -> Revenue: ...
    @property
    def webhooks(self) -> Webhooks: ...
    @property
    def credit_notes(self) -> IssuedCreditNotes: ...
    @property
    def refunds(self) -> Refunds: ...
    @property
    def credits(self) -> Credits: ...
    @property
    def usage(self) -> UsageLog: ...
    @property
    def legal_entities(self) -> LegalEntities: ...
    @property
    def invoices(self) -> Invoices: ...
    @property
    def payments(self) -> Payments: ...
    @property
    def dunning(self) -> Dunning: ...
    @property
    def clocks(self) -> Clocks: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def events(self) -> EventLog: ...
    @property
    def audit(self) -> AuditTrail: ...
