"""What billing asks of the database about what is sold, and to whom."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol, TypeVar

from domain.billing.customer_model import Customer
from domain.billing.ids import (
    CustomerId,
)
from domain.billing.legal_entity_model import LegalEntity
from domain.billing.metering_model import Meter
from domain.billing.plan_model import PlanTerms, PlanVersion
from domain.kernel.pagination import Page

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
