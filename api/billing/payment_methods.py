"""`/v1/billing/payment-methods`: how customers pay. Providers keep the details; here are tokens, and never numbers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.parameters import World
from api.principals import own_tenant
from api.problems import problems
from api.routes import KeyedRoute
from domain.billing.errors import CustomerNotFound
from domain.billing.events import Provider
from domain.billing.ids import CustomerId, PaymentMethodId
from domain.billing.payment_errors import (
    PaymentAccountNotConnected,
    PaymentAccountRefused,
    PaymentMethodInUse,
    PaymentMethodNotFound,
    PaymentMethodRefused,
    ProviderUnreachable,
)
from domain.billing.payment_methods import PaymentMethodBooks
from domain.billing.payment_model import SavedPaymentMethod
from domain.billing.permissions import (
    ADD_PAYMENT_METHOD,
    CHANGE_PAYMENT_METHOD,
    READ_PAYMENT_METHODS,
    REMOVE_PAYMENT_METHOD,
)
from domain.kernel.ids import TenantId
from domain.kernel.payload import Body, Payload
from domain.security.errors import TenantRequired

router = APIRouter(prefix="/v1/billing/payment-methods", tags=["billing"], route_class=KeyedRoute)


class PaymentMethodBody(Body):
    """A payment method that the provider's own page has made: its token, such as Stripe's `pm_...`."""

    customer_id: CustomerId = Field(examples=["cus_01h455vb4pex5vsknk084sn02q"])
    provider: Provider = Field(default=Provider.STRIPE, examples=["stripe"])
    token: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=255)] = Field(
        examples=["pm_1PqL2eZvKYlo2C"]
    )
    make_default: bool = Field(
        default=True, strict=True, description="Collect invoices by it from now on.", examples=[True]
    )


class PaymentMethods(Payload):
    """Newest first."""

    items: list[SavedPaymentMethod]


@router.get("", response_model=Answer[PaymentMethods], responses=problems(TenantRequired, CustomerNotFound))
async def list_payment_methods(
    customer_id: Annotated[CustomerId, Query(alias="customerId", examples=["cus_01h455vb4pex5vsknk084sn02q"])],
    tenant: Annotated[TenantId, own_tenant(READ_PAYMENT_METHODS)],
    world: World,
) -> Answer[PaymentMethods]:
    """How a customer pays."""
    await world.billing(tenant, lambda uow: uow.customers.get(customer_id))
    return ok(PaymentMethods(items=await world.billing(tenant, lambda uow: uow.payments.methods_of(customer_id))))


@router.post(
    "",
    status_code=201,
    response_model=Answer[SavedPaymentMethod],
    responses=problems(
        TenantRequired,
        CustomerNotFound,
        PaymentAccountNotConnected,
        PaymentAccountRefused,
        PaymentMethodRefused,
        ProviderUnreachable,
    ),
)
async def post_payment_method(
    body: PaymentMethodBody, tenant: Annotated[TenantId, own_tenant(ADD_PAYMENT_METHOD)], world: World
) -> Answer[SavedPaymentMethod]:
    """Have the provider keep it for the customer; invoices that become final are collected by the default."""
    customer = await world.billing(tenant, lambda uow: uow.customers.get(body.customer_id))
    there = await world.billing(tenant, lambda uow: uow.payments.methods_of(customer.id))
    known_as = next((each.account_reference for each in there if each.provider is body.provider), None)
    attached = await world.payment_providers.attach(tenant, body.provider, customer, body.token, known_as=known_as)
    return ok(
        await world.billing(
            tenant,
            lambda uow: PaymentMethodBooks(uow, tenant, new_id, utc_now()).add(
                customer.id, body.provider, attached, default=body.make_default
            ),
        )
    )


@router.post(
    "/{payment_method_id}/make-default",
    response_model=Answer[SavedPaymentMethod],
    responses=problems(TenantRequired, PaymentMethodNotFound),
)
async def post_default(
    payment_method_id: PaymentMethodId,
    tenant: Annotated[TenantId, own_tenant(CHANGE_PAYMENT_METHOD)],
    world: World,
) -> Answer[SavedPaymentMethod]:
    """Collect the customer's invoices by it from now on."""
    return ok(
        await world.billing(
            tenant, lambda uow: PaymentMethodBooks(uow, tenant, new_id, utc_now()).make_default(payment_method_id)
        )
    )


@router.delete(
    "/{payment_method_id}",
    response_model=Answer[SavedPaymentMethod],
    responses=problems(
        TenantRequired, PaymentMethodNotFound, PaymentMethodInUse, PaymentAccountNotConnected, ProviderUnreachable
    ),
)
async def delete_payment_method(
    payment_method_id: PaymentMethodId,
    tenant: Annotated[TenantId, own_tenant(REMOVE_PAYMENT_METHOD)],
    world: World,
) -> Answer[SavedPaymentMethod]:
    """Collect by it no more, and have the provider forget it."""
    method = await world.billing(
        tenant, lambda uow: PaymentMethodBooks(uow, tenant, new_id, utc_now()).idle(payment_method_id)
    )
    # Forgetting may be done again, so it comes first: what is removed here is forgotten there.
    await world.payment_providers.detach(tenant, method)
    return ok(
        await world.billing(
            tenant, lambda uow: PaymentMethodBooks(uow, tenant, new_id, utc_now()).remove(payment_method_id)
        )
    )
