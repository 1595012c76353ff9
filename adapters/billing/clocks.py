"""Test clocks in the tenant's schema, and what comes for the customers whose time they are."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from adapters.postgres.rows import names, newest_first, places, values_of
from adapters.postgres.session import Session
from domain.billing.clock_errors import ClockNotFound
from domain.billing.clock_model import Ahead, ProcessKind, SimulatedClock, Waiting
from domain.billing.dunning import dunning_standing
from domain.billing.dunning_model import DunningCase
from domain.billing.ids import ClockId, CustomerId
from domain.kernel.pagination import Page

_CLOCK = tuple(SimulatedClock.model_fields)
_SHOWS = "k.now + greatest($2 - k.set_at, interval '0')"


class PostgresClocks:
    """See `domain.billing.ports.Clocks`."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def put(self, clock: SimulatedClock) -> None:
        """Insert or replace."""
        changing = _CLOCK[1:]
        await self._sql.execute(
            f"INSERT INTO billing_test_clock ({names(_CLOCK)}) VALUES ({places(_CLOCK)}) ON CONFLICT (id) "
            f"DO UPDATE SET ({names(changing)}) = ({names(changing, 'excluded.')})",
            *values_of(clock, _CLOCK),
        )

    async def find(self, clock_id: ClockId) -> SimulatedClock | None:
        """The clock, if there is one."""
        row = await self._sql.fetchrow("SELECT * FROM billing_test_clock WHERE id = $1", clock_id)
        return SimulatedClock(**dict(row)) if row else None

    async def hold(self, clock_id: ClockId) -> SimulatedClock:
        """Locked until the transaction ends. Raises ClockNotFound."""
        row = await self._sql.fetchrow("SELECT * FROM billing_test_clock WHERE id = $1 FOR UPDATE", clock_id)
        if row is None:
            raise ClockNotFound
        return SimulatedClock(**dict(row))

    async def page(self, *, cursor: str | None, limit: int) -> Page[SimulatedClock]:
        """Newest first."""
        return await newest_first(
            self._session, "billing_test_clock", lambda row: SimulatedClock(**dict(row)), cursor=cursor, limit=limit
        )

    async def now_of(self, customer_id: CustomerId, world: datetime) -> datetime:
        """What the customer's clock shows; the world's instant if it has none."""
        shown: datetime | None = await self._sql.fetchval(
            f"SELECT {_SHOWS} FROM billing_customer AS c JOIN billing_test_clock AS k ON k.id = c.test_clock_id "
            "WHERE c.id = $1",
            customer_id,
            world,
        )
        return shown or world

    async def latest(self, subjects: Collection[str], world: datetime) -> datetime:
        """What the clock shows that is farthest ahead, of the customers that are called so."""
        shown: datetime | None = await self._sql.fetchval(
            f"SELECT max({_SHOWS}) FROM billing_customer AS c JOIN billing_test_clock AS k ON k.id = c.test_clock_id "
            "WHERE c.id = ANY ($1) OR c.external_id = ANY ($1)",
            list(subjects),
            world,
        )
        return max(shown, world) if shown else world

    async def customers(self, clock_id: ClockId) -> list[CustomerId]:
        """Whose time it is."""
        rows = await self._sql.fetch("SELECT id FROM billing_customer WHERE test_clock_id = $1 ORDER BY id", clock_id)
        return [CustomerId(row["id"]) for row in rows]

    async def ahead(self, customer_id: CustomerId) -> Ahead:
        """What comes for a customer: what has an instant, and is not kept from happening then."""
        rows = await self._sql.fetch(
            """
            SELECT 'subscription' AS kind, id, next_at AS at, revision FROM billing_subscription
            WHERE customer_id = $1 AND next_at IS NOT NULL
            UNION ALL
            SELECT 'invoice', id, CASE status WHEN 'draft' THEN finalize_at ELSE due_at END, revision
            FROM billing_invoice WHERE customer_id = $1 AND (status = 'draft' OR status = 'open' AND NOT overdue)
            UNION ALL
            SELECT 'payment', id, check_at, revision FROM billing_payment
            WHERE customer_id = $1 AND status IN ('pending', 'unknown', 'processing', 'action_required')
            UNION ALL
            SELECT 'refund', id, check_at, revision FROM billing_refund
            WHERE customer_id = $1 AND status IN ('pending', 'unknown', 'processing')
            UNION ALL
            SELECT 'credit_grant', id, expires_at, revision FROM billing_credit_grant
            WHERE customer_id = $1 AND status = 'active' AND expires_at IS NOT NULL
            """,
            customer_id,
        )
        busy = any(row["at"] is None for row in rows)
        waiting = [Waiting(**dict(row)) for row in rows if row["at"] is not None]
        collected = await self._sql.fetch(
            "SELECT document FROM billing_dunning_case AS c WHERE customer_id = $1 AND status IN ('active', 'paused') "
            "AND NOT EXISTS (SELECT FROM billing_payment AS p WHERE p.invoice_id = c.id AND p.status IN "
            "('pending', 'unknown', 'processing', 'action_required'))",
            customer_id,
        )
        for row in collected:
            case = DunningCase.model_validate(row["document"])
            told = dunning_standing(case)
            step = case.next
            blocked = step is not None and step.approval and not step.approved
            if told.next_at is not None and not blocked:
                waiting.append(
                    Waiting(kind=ProcessKind.DUNNING, id=case.invoice_id, at=told.next_at, revision=case.revision)
                )
        return Ahead(customer_id=customer_id, busy=busy, waiting=tuple(waiting))
