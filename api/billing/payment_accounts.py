"""`/v1/billing/payment-accounts`: at which payment providers a tenant collects."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from adapters.billing.providers import Secrets
from adapters.container import Container
from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.parameters import World
from api.principals import own_tenant
from api.problems import problems
from api.routes import KeyedRoute
from domain.billing.events import Provider
from domain.billing.ids import PaymentAccountId
from domain.billing.payment_accounts import connect
from domain.billing.payment_errors import PaymentAccountRefused, ProviderUnreachable
from domain.billing.payment_model import Credentials, PaymentAccount
from domain.billing.permissions import CONNECT_PAYMENT_ACCOUNT, READ_PAYMENT_ACCOUNTS
from domain.kernel.ids import TenantId
from domain.kernel.payload import Body, Payload
from domain.security.errors import TenantRequired

router = APIRouter(prefix="/v1/billing/payment-accounts", tags=["billing"], route_class=KeyedRoute)


class StripeAccountBody(Body):
    """What Stripe's dashboard shows under "API keys". It is kept encrypted, and never shown again."""

    secret_key: Annotated[
        str, StringConstraints(max_length=255, pattern=r"^(sk|rk)_(test|live)_[A-Za-z0-9_]+$"), Field(repr=False)
    ] = Field(examples=["sk_test_51Hc6l2eZvKYlo2C"])


_Credential = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9_-]+$")]


class PayPalAccountBody(Body):
    """What PayPal's developer dashboard shows of a REST application. It is kept encrypted, and never shown again."""

    client_id: _Credential = Field(examples=["AQkquBDf1zctJOWGKWUEtKXm6qVhueUEMvXO"])
    client_secret: _Credential = Field(repr=False, examples=["EGnHDxD_qRPdaLdZz8iCr8N7_MzF-YHPTkjs"])


class PaymentAccounts(Payload):
    """By provider; never their secrets."""

    items: list[PaymentAccount]


@router.get("", response_model=Answer[PaymentAccounts], responses=problems(TenantRequired))
async def list_payment_accounts(
    tenant: Annotated[TenantId, own_tenant(READ_PAYMENT_ACCOUNTS)], world: World
) -> Answer[PaymentAccounts]:
    """Where the tenant collects."""
    return ok(PaymentAccounts(items=await world.payment_accounts(tenant, lambda uow: uow.accounts.of(tenant))))


@router.put(
    "/stripe",
    response_model=Answer[PaymentAccount],
    responses=problems(TenantRequired, PaymentAccountRefused, ProviderUnreachable),
)
async def put_stripe_account(
    body: StripeAccountBody, tenant: Annotated[TenantId, own_tenant(CONNECT_PAYMENT_ACCOUNT)], world: World
) -> Answer[PaymentAccount]:
    """Collect by Stripe. The key is tried at once: the place that Stripe sends webhooks to is registered with it."""
    return ok(await _connected(world, tenant, Provider.STRIPE, Credentials(secret_key=body.secret_key)))


@router.put(
    "/paypal",
    response_model=Answer[PaymentAccount],
    responses=problems(TenantRequired, PaymentAccountRefused, ProviderUnreachable),
)
async def put_paypal_account(
    body: PayPalAccountBody, tenant: Annotated[TenantId, own_tenant(CONNECT_PAYMENT_ACCOUNT)], world: World
) -> Answer[PaymentAccount]:
    """Collect by PayPal. The application is tried at once: the place that PayPal sends webhooks to is registered."""
    credentials = Credentials(client_id=body.client_id, secret_key=body.client_secret)
    return ok(await _connected(world, tenant, Provider.PAYPAL, credentials))


async def _connected(
    world: Container, tenant: TenantId, provider: Provider, credentials: Credentials
) -> PaymentAccount:
    """Try the credentials, and keep them sealed."""
    before = await world.payment_accounts(tenant, lambda uow: uow.accounts.find(tenant, provider))
    webhooks = f"{world.settings.api_public_url}/v1/billing/webhooks/{provider}/{tenant}"
    connection = await world.payment_providers.connect(provider, credentials, webhooks)
    account_id = before.id if before else new_id(PaymentAccountId)
    secrets = Secrets(credentials=credentials, webhook_secret=connection.webhook_secret)
    account = PaymentAccount(
        id=account_id,
        tenant_id=tenant,
        provider=provider,
        reference=connection.reference,
        sealed=await world.payment_providers.seal(tenant, account_id, secrets),
        connected_at=utc_now(),
        revision=before.revision + 1 if before else 1,
    )
    return await world.payment_accounts(tenant, lambda uow: connect(uow, account))
