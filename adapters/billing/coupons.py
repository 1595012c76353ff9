"""Redeemed coupons in the tenant's schema."""

from __future__ import annotations

from typing import Any

from adapters.postgres.rows import hold, names, newest_first, places
from adapters.postgres.session import Session
from domain.billing.coupon_errors import CouponRedemptionNotFound
from domain.billing.coupon_model import Redemption
from domain.billing.ids import CustomerId, RedemptionId
from domain.kernel.pagination import Page

_REDEMPTION = ("id", "coupon", "customer_id", "ended_at", "document")


class PostgresRedemptions:
    """See `domain.billing.ports.Redemptions`."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def running(self, customer: CustomerId, *, hold: bool) -> list[Redemption]:
        """The customer's that are not over, oldest first."""
        rows = await self._sql.fetch(
            "SELECT document FROM billing_coupon_redemption WHERE customer_id = $1 AND ended_at IS NULL ORDER BY id"
            f"{' FOR UPDATE' if hold else ''}",
            customer,
        )
        return [_redemption(row) for row in rows]

    async def of_coupon(self, coupon: str, customer: CustomerId) -> tuple[int, bool]:
        """How often it was redeemed, and whether by this customer; others who redeem it wait."""
        await hold(self._session, f"billing_coupon/{self._session.tenant}/{coupon}")
        rows = await self._sql.fetch(
            "SELECT customer_id = $2 AS theirs, count(*) AS count FROM billing_coupon_redemption WHERE coupon = $1 "
            "GROUP BY 1",
            coupon,
            customer,
        )
        return sum(row["count"] for row in rows), any(row["theirs"] for row in rows)

    async def hold(self, redemption_id: RedemptionId) -> Redemption:
        """Locked until the transaction ends. Raises CouponRedemptionNotFound."""
        row = await self._sql.fetchrow(
            "SELECT document FROM billing_coupon_redemption WHERE id = $1 FOR UPDATE", redemption_id
        )
        if row is None:
            raise CouponRedemptionNotFound
        return _redemption(row)

    async def put(self, redemption: Redemption) -> None:
        """Insert or replace."""
        await self._sql.execute(
            f"INSERT INTO billing_coupon_redemption ({names(_REDEMPTION)}) VALUES ({places(_REDEMPTION)}) "
            "ON CONFLICT (id) DO UPDATE SET (ended_at, document) = (excluded.ended_at, excluded.document)",
            redemption.id,
            redemption.coupon,
            redemption.customer_id,
            redemption.ended_at,
            redemption.model_dump(mode="json"),
        )

    async def page(self, customer: CustomerId | None, *, cursor: str | None, limit: int) -> Page[Redemption]:
        """Newest first."""
        return await newest_first(
            self._session,
            "billing_coupon_redemption",
            _redemption,
            where="$1::text IS NULL OR customer_id = $1",
            values=(customer,),
            cursor=cursor,
            limit=limit,
        )


def _redemption(row: Any) -> Redemption:
    return Redemption.model_validate(row["document"])
