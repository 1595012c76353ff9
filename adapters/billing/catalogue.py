"""Plans, meters and customers, in the tenant's schema."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from adapters.postgres.changes import announce_change
from adapters.postgres.rows import by_code, hold, names, newest_first, places, values_of
from adapters.postgres.session import Session
from domain.billing.customer_model import Customer
from domain.billing.errors import CustomerNotFound, PlanNotFound
from domain.billing.ids import CustomerId
from domain.billing.metering_model import Meter
from domain.billing.plan_model import PlanTerms, PlanVersion
from domain.kernel.pagination import Page

_PLAN = tuple(PlanVersion.model_fields)
_METER = tuple(Meter.model_fields)
_CUSTOMER = tuple(Customer.model_fields)


class PostgresPlans:
    """See `domain.billing.ports.Plans`."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def add(self, version: PlanVersion) -> bool:
        """Insert; False if there is this version already."""
        fields = {**dict(version), "terms": version.terms.model_dump(mode="json")}
        added = await self._sql.fetchval(
            f"INSERT INTO billing_plan ({names(_PLAN)}) VALUES ({places(_PLAN)}) ON CONFLICT DO NOTHING RETURNING true",
            *(fields[name] for name in _PLAN),
        )
        return bool(added)

    async def newest(self, code: str) -> PlanVersion:
        """Others who publish this plan wait. Raises PlanNotFound."""
        await hold(self._session, f"billing_plan/{self._session.tenant}/{code}")
        return await self._one(code, "ORDER BY version DESC LIMIT 1")

    async def in_force(self, code: str, at: datetime) -> PlanVersion:
        """Raises PlanNotFound."""
        return await self._one(code, "AND effective_from <= $2 ORDER BY version DESC LIMIT 1", at)

    async def get(self, code: str, version: int) -> PlanVersion:
        """Raises PlanNotFound."""
        return await self._one(code, "AND version = $2", version)

    async def terms(self, versions: Collection[tuple[str, int]]) -> dict[tuple[str, int], PlanTerms]:
        """The terms of these versions, which are there."""
        rows = await self._sql.fetch(
            "SELECT code, version, terms FROM billing_plan WHERE (code, version) IN "
            "(SELECT * FROM unnest($1::text[], $2::int[]))",
            [code for code, _ in versions],
            [version for _, version in versions],
        )
        return {(row["code"], row["version"]): PlanTerms.model_validate(row["terms"]) for row in rows}

    async def versions(self, code: str) -> list[PlanVersion]:
        """Newest first. Raises PlanNotFound."""
        rows = await self._sql.fetch(
            f"SELECT {names(_PLAN)} FROM billing_plan WHERE code = $1 ORDER BY version DESC", code
        )
        if not rows:
            raise PlanNotFound(plan_code=code)
        return [PlanVersion(**dict(row)) for row in rows]

    async def page(self, at: datetime, *, cursor: str | None, limit: int) -> Page[PlanVersion]:
        """By code."""
        in_force = (
            f"SELECT DISTINCT ON (code) {names(_PLAN)} FROM billing_plan WHERE effective_from <= $1 "
            "ORDER BY code, version DESC"
        )
        return await by_code(
            self._session, in_force, lambda row: PlanVersion(**dict(row)), at, cursor=cursor, limit=limit
        )

    async def _one(self, code: str, which: str, *values: Any) -> PlanVersion:
        row = await self._sql.fetchrow(
            f"SELECT {names(_PLAN)} FROM billing_plan WHERE code = $1 {which}", code, *values
        )
        if row is None:
            raise PlanNotFound(plan_code=code)
        return PlanVersion(**dict(row))


class PostgresMeters:
    """See `domain.billing.ports.Meters`."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def add(self, meter: Meter) -> bool:
        """Insert; False if there is one with this code."""
        added = await self._sql.fetchval(
            f"INSERT INTO billing_meter ({names(_METER)}) VALUES ({places(_METER)}) "
            "ON CONFLICT DO NOTHING RETURNING true",
            *values_of(meter, _METER),
        )
        if added:
            # The gateway remembers of which tenants requests are metered.
            await announce_change(self._session, str(self._session.tenant))
        return bool(added)

    async def find(self, code: str) -> Meter | None:
        """The meter, if it exists."""
        row = await self._sql.fetchrow(f"SELECT {names(_METER)} FROM billing_meter WHERE code = $1", code)
        return Meter(**dict(row)) if row else None

    async def of_types(self, types: Collection[str]) -> list[Meter]:
        """Those that count events of these types."""
        rows = await self._sql.fetch(
            f"SELECT {names(_METER)} FROM billing_meter WHERE event_type = ANY ($1)", list(types)
        )
        return [Meter(**dict(row)) for row in rows]

    async def watch(self, codes: Collection[str]) -> None:
        """Somebody is to be told when usage that these count reaches what is included."""
        await self._sql.execute(
            "UPDATE billing_meter SET watched = true WHERE code = ANY ($1) AND NOT watched", list(codes)
        )

    async def watched(self, types: Collection[str]) -> set[str]:
        """Those of these event types that a watched meter counts."""
        rows = await self._sql.fetch(
            "SELECT DISTINCT event_type FROM billing_meter WHERE event_type = ANY ($1) AND watched", list(types)
        )
        return {row["event_type"] for row in rows}

    async def named(self, codes: Collection[str]) -> dict[str, Meter]:
        """Those with these codes."""
        rows = await self._sql.fetch(f"SELECT {names(_METER)} FROM billing_meter WHERE code = ANY ($1)", list(codes))
        return {row["code"]: Meter(**dict(row)) for row in rows}

    async def page(self, *, cursor: str | None, limit: int) -> Page[Meter]:
        """By code."""
        every = f"SELECT {names(_METER)} FROM billing_meter"
        return await by_code(self._session, every, lambda row: Meter(**dict(row)), cursor=cursor, limit=limit)


class PostgresCustomers:
    """See `domain.billing.ports.Customers`."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql
        self._read: dict[CustomerId, Customer] = {}

    async def add(self, customer: Customer) -> CustomerId | None:
        """Insert; or whose external id it is already."""
        added = await self._sql.fetchval(
            f"INSERT INTO billing_customer ({names(_CUSTOMER)}) VALUES ({places(_CUSTOMER)}) "
            "ON CONFLICT (external_id) DO NOTHING RETURNING id",
            *values_of(customer, _CUSTOMER),
        )
        if added:
            return None
        there = await self._sql.fetchval("SELECT id FROM billing_customer WHERE external_id = $1", customer.external_id)
        return CustomerId(there)

    async def put(self, customer: Customer) -> bool:
        """Replace the revision before this one."""
        self._read.pop(customer.id, None)
        changed = await self._sql.fetchval(
            f"UPDATE billing_customer SET ({names(_CUSTOMER)}) = ({places(_CUSTOMER)}) "
            f"WHERE id = $1 AND revision = ${_CUSTOMER.index('revision') + 1} - 1 RETURNING true",
            *values_of(customer, _CUSTOMER),
        )
        return bool(changed)

    async def get(self, customer_id: CustomerId) -> Customer:
        """As this transaction found it first. Raises CustomerNotFound."""
        if (read := self._read.get(customer_id)) is not None:
            return read
        row = await self._sql.fetchrow(f"SELECT {names(_CUSTOMER)} FROM billing_customer WHERE id = $1", customer_id)
        if row is None:
            raise CustomerNotFound
        read = self._read[customer_id] = Customer(**dict(row))
        return read

    async def called(self, name: str) -> CustomerId | None:
        """The one with this id or external id."""
        found = await self._sql.fetchval("SELECT id FROM billing_customer WHERE id = $1 OR external_id = $1", name)
        return CustomerId(found) if found else None

    async def named(self, subjects: Collection[str]) -> list[CustomerId]:
        """Those that usage calls so."""
        rows = await self._sql.fetch(
            "SELECT id FROM billing_customer WHERE id = ANY ($1) OR external_id = ANY ($1) OR usage_subjects && $1 "
            "ORDER BY id",
            list(subjects),
        )
        return [CustomerId(row["id"]) for row in rows]

    async def page(self, external_id: str | None, *, cursor: str | None, limit: int) -> Page[Customer]:
        """Newest first."""
        return await newest_first(
            self._session,
            "billing_customer",
            lambda row: Customer(**dict(row)),
            where="$1::text IS NULL OR external_id = $1",
            values=(external_id,),
            cursor=cursor,
            limit=limit,
        )
