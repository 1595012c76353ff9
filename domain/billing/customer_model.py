"""Customers: whom a tenant sells to."""

from __future__ import annotations

from datetime import datetime

from domain.billing.ids import ClockId, CustomerId
from domain.kernel.payload import Payload


class Customer(Payload):
    """A customer of the tenant's.

    external_id: what the tenant's own systems call it, once at most; usage may name it so. currency: of all that it is
    charged. timezone: in which its billing periods begin and end. address, country, tax_id, locale: of its invoices.
    legal_entity: who sells to it; None is the tenant's first. test_clock_id: whose time it lives in, to try something.
    usage_subjects: what usage may call it besides, such as its API keys.
    """

    id: CustomerId
    external_id: str | None
    name: str
    email: str
    currency: str
    timezone: str
    address: tuple[str, ...] = ()
    country: str | None = None
    tax_id: str | None = None
    locale: str = "en"
    legal_entity: str | None = None
    test_clock_id: ClockId | None = None
    usage_subjects: tuple[str, ...] = ()
    revision: int
    created_at: datetime
    updated_at: datetime
