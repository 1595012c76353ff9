"""Customers: whom a tenant sells to."""

from __future__ import annotations

from datetime import datetime

from domain.billing.ids import CustomerId
from domain.kernel.payload import Payload


class Customer(Payload):
    """A customer of the tenant's.

    external_id: what the tenant's own systems call it, once at most; usage may name it so. currency: of all that it is
    charged. timezone: in which its billing periods begin and end.
    """

    id: CustomerId
    external_id: str | None
    name: str
    email: str
    currency: str
    timezone: str
    revision: int
    created_at: datetime
    updated_at: datetime
