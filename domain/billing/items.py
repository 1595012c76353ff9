"""What a subscription consists of: the plan and add-ons that somebody wants, looked up and found to fit together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from domain.billing.accrual import fits
from domain.billing.plan_model import PlanTerms
from domain.billing.ports import BillingUnitOfWork
from domain.billing.prices import Price
from domain.billing.subscription_commands import Change, Order, Wanted
from domain.billing.subscription_errors import (
    AddOnDoesNotFit,
    CurrencyNotOffered,
    OverrideInvalid,
    PlanNotForSale,
)
from domain.billing.subscription_model import Item, Subscription, Terms


async def ordered_items(
    uow: BillingUnitOfWork, order: Order, currency: str, now: datetime
) -> tuple[tuple[Item, ...], Terms]:
    """The items of a new subscription, the plan first, and their terms: in force when it begins, or now if it has.

    Raises PlanNotFound, PlanNotForSale, CurrencyNotOffered, AddOnDoesNotFit, OverrideInvalid.
    """
    found = _Found(uow, currency, max(now, order.starts_at or now))
    items = (await found.item(order.plan, is_add_on=False), *[await found.item(each) for each in order.add_ons])
    return found.together(items)


async def changed_items(
    uow: BillingUnitOfWork, sub: Subscription, wish: Change, terms: Terms, at: datetime
) -> tuple[tuple[Item, ...], Terms]:
    """The items that a subscription is to have, and all terms that are needed. Raises what `ordered_items` raises."""
    found = _Found(uow, sub.currency, at, {item.plan_code: item for item in sub.items})
    plan = await found.item(
        Wanted(
            wish.plan or sub.plan.plan_code,
            wish.version,
            sub.plan.quantity if wish.quantity is None else wish.quantity,
            _kept(sub, wish) if wish.overrides is None else wish.overrides,
        ),
        is_add_on=False,
    )
    add_ons = sub.items[1:] if wish.add_ons is None else [await found.item(each) for each in wish.add_ons]
    found.terms |= terms
    return found.together((plan, *(item.model_copy(update={"since": None}) for item in add_ons)))


def _kept(sub: Subscription, wish: Change) -> dict[str, Price]:
    """Agreed prices stay with the plan they were agreed for."""
    return sub.plan.overrides if wish.plan in (None, sub.plan.plan_code) else {}


class _Found:
    """Versions of plans that were looked up."""

    def __init__(
        self, uow: BillingUnitOfWork, currency: str, at: datetime, there: Mapping[str, Item] | None = None
    ) -> None:
        self._uow, self._currency, self._at, self._there = uow, currency, at, there or {}
        self.terms: dict[tuple[str, int], PlanTerms] = {}

    async def item(self, wanted: Wanted, *, is_add_on: bool = True) -> Item:
        """What somebody has already is kept in its version unless another is named; what is new must be for sale."""
        owned = self._there.get(wanted.code)
        version = wanted.version if wanted.version is not None else owned.plan_version if owned else None
        if version is None:
            plan = await self._uow.plans.in_force(wanted.code, self._at)
        else:
            plan = await self._uow.plans.get(wanted.code, version)
        if plan.is_add_on is not is_add_on:
            raise AddOnDoesNotFit(plan_code=plan.code, is_add_on=plan.is_add_on)
        if not plan.terms.for_sale and (owned is None or owned.plan_version != plan.version):
            raise PlanNotForSale(plan_code=plan.code, plan_version=plan.version)
        if self._currency not in plan.terms.currencies:
            raise CurrencyNotOffered(
                plan_code=plan.code, currency=self._currency, offered=sorted(plan.terms.currencies)
            )
        _priced(plan.terms, wanted)
        self.terms[plan.code, plan.version] = plan.terms
        return Item(
            plan_code=plan.code, plan_version=plan.version, quantity=wanted.quantity, overrides=wanted.overrides
        )

    def together(self, items: tuple[Item, ...]) -> tuple[tuple[Item, ...], Terms]:
        """They are billed at one interval, and each is there once. Raises AddOnDoesNotFit."""
        plan = self.terms[items[0].plan_code, items[0].plan_version]
        twice = [code for code, count in Counter(item.plan_code for item in items).items() if count > 1]
        if twice:
            raise AddOnDoesNotFit(twice=twice)
        for item in items[1:]:
            terms = self.terms[item.plan_code, item.plan_version]
            if (terms.interval, terms.interval_count) != (plan.interval, plan.interval_count):
                raise AddOnDoesNotFit(
                    plan_code=item.plan_code, interval=terms.interval.value, interval_count=terms.interval_count
                )
        return items, self.terms


def _priced(terms: PlanTerms, wanted: Wanted) -> None:
    charges = {charge.code: charge for charge in terms.charges}
    for code, price in wanted.overrides.items():
        if code not in charges:
            raise OverrideInvalid(plan_code=wanted.code, charge=code, charges=sorted(charges))
        if not fits(price, charges[code]):
            raise OverrideInvalid(plan_code=wanted.code, charge=code, model=price.model)
