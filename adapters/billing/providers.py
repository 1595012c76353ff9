"""The payment providers at which tenants have accounts, and the accounts themselves."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from adapters.postgres.rows import names, places, values_of
from adapters.postgres.session import Session
from adapters.telemetry.metrics import PROVIDER_CALLS
from domain.billing.customer_model import Customer
from domain.billing.events import Provider
from domain.billing.ids import PaymentAccountId
from domain.billing.payment_errors import PaymentAccountNotConnected, PaymentAccountRefused, ProviderUnreachable
from domain.billing.payment_model import (
    AttachedMethod,
    ChargeOrder,
    Connection,
    Credentials,
    PaymentAccount,
    ProviderAnswer,
    SavedPaymentMethod,
    Webhook,
)
from domain.billing.payment_ports import PaymentAccountsUnitOfWork
from domain.billing.refund_model import RefundAnswer, RefundOrder
from domain.kernel.ids import TenantId
from domain.kernel.payload import Payload
from domain.kernel.ports import Transactions
from domain.security.envelope import NONCE_BYTES, Cipher

_ACCOUNT = tuple(PaymentAccount.model_fields)


class PostgresPaymentAccounts:
    """See `domain.billing.payment_ports.PaymentAccounts`."""

    def __init__(self, session: Session) -> None:
        self._sql = session.sql

    async def put(self, account: PaymentAccount) -> None:
        """Insert or replace the tenant's account at this provider."""
        changing = ("reference", "sealed", "connected_at", "revision")
        await self._sql.execute(
            f"INSERT INTO billing_payment_account ({names(_ACCOUNT)}) VALUES ({places(_ACCOUNT)}) ON CONFLICT (id) "
            f"DO UPDATE SET ({names(changing)}) = ({names(changing, 'excluded.')})",
            *values_of(account, _ACCOUNT),
        )

    async def find(self, tenant: TenantId, provider: Provider) -> PaymentAccount | None:
        """The account, if there is one."""
        row = await self._sql.fetchrow(
            "SELECT * FROM billing_payment_account WHERE tenant_id = $1 AND provider = $2", tenant, provider
        )
        return PaymentAccount(**dict(row)) if row else None

    async def of(self, tenant: TenantId) -> list[PaymentAccount]:
        """All the tenant has, by provider."""
        rows = await self._sql.fetch(
            "SELECT * FROM billing_payment_account WHERE tenant_id = $1 ORDER BY provider", tenant
        )
        return [PaymentAccount(**dict(row)) for row in rows]


class PostgresPaymentAccountsUnitOfWork:
    """One transaction on tenants' accounts at providers."""

    def __init__(self, session: Session) -> None:
        self.accounts = PostgresPaymentAccounts(session)
        self.events = session
        self.audit = session


class Secrets(Payload):
    """What is sealed: our credentials at a provider, and what it signs webhooks with."""

    credentials: Credentials
    webhook_secret: str


class Speaks(Protocol):
    """A provider's interface, with a tenant's credentials."""

    async def connect(self, credentials: Credentials, webhooks: str) -> Connection: ...
    async def attach(
        self, credentials: Credentials, customer: Customer, token: str, *, known_as: str | None
    ) -> AttachedMethod: ...
    async def detach(self, credentials: Credentials, method: SavedPaymentMethod) -> None: ...
    async def charge(self, credentials: Credentials, order: ChargeOrder) -> ProviderAnswer: ...
    async def refund(self, credentials: Credentials, order: RefundOrder) -> RefundAnswer: ...
    async def look_up_refund(self, credentials: Credentials, order: RefundOrder) -> RefundAnswer | None: ...
    async def look_up(self, credentials: Credentials, order: ChargeOrder) -> ProviderAnswer | None: ...
    async def cancel(self, credentials: Credentials, order: ChargeOrder, known: ProviderAnswer) -> ProviderAnswer: ...
    async def heard(self, secret: str, payload: bytes, headers: Mapping[str, str]) -> Webhook: ...
    async def close(self) -> None: ...


@contextmanager
def _counted(provider: Provider, call: str) -> Iterator[list[str]]:
    """Count the call by the outcome that the block appends, or as unreachable or refused."""
    outcome = list[str]()
    try:
        yield outcome
    except ProviderUnreachable:
        outcome.append("unreachable")
        raise
    except PaymentAccountRefused:
        outcome.append("account_refused")
        raise
    finally:
        PROVIDER_CALLS.labels(provider, call, outcome[0] if outcome else "failed_itself").inc()


class PaymentProviders:
    """See `domain.billing.payment_ports.Providers`. Secrets are unsealed for a call, and kept nowhere."""

    def __init__(
        self,
        accounts: Transactions[PaymentAccountsUnitOfWork],
        cipher: Callable[[TenantId], Awaitable[Cipher]],
        speaking: dict[Provider, Speaks],
    ) -> None:
        self._accounts, self._cipher, self._speaking = accounts, cipher, speaking

    async def seal(self, tenant: TenantId, account: PaymentAccountId, secrets: Secrets) -> bytes:
        """For the account's row, under the tenant's data key."""
        cipher = await self._cipher(tenant)
        return cipher.seal(secrets.model_dump_json().encode(), nonce=os.urandom(NONCE_BYTES), context=account.encode())

    async def connect(self, provider: Provider, credentials: Credentials, webhooks: str) -> Connection:
        """Whether they are right; webhooks come to this URL from now on."""
        return await self._speaking[provider].connect(credentials, webhooks)

    async def attach(
        self, tenant: TenantId, provider: Provider, customer: Customer, token: str, *, known_as: str | None
    ) -> AttachedMethod:
        """Have it kept for the customer."""
        secrets = await self._secrets(tenant, provider)
        return await self._speaking[provider].attach(secrets.credentials, customer, token, known_as=known_as)

    async def detach(self, tenant: TenantId, method: SavedPaymentMethod) -> None:
        """Have it forgotten, if it is still there."""
        secrets = await self._secrets(tenant, method.provider)
        await self._speaking[method.provider].detach(secrets.credentials, method)

    async def charge(self, tenant: TenantId, order: ChargeOrder) -> ProviderAnswer:
        """Collect, once for each payment id however often it is asked."""
        secrets = await self._secrets(tenant, order.provider)
        with _counted(order.provider, "charge") as outcome:
            answer = await self._speaking[order.provider].charge(secrets.credentials, order)
            outcome.append(answer.status.value)
        return answer

    async def refund(self, tenant: TenantId, order: RefundOrder) -> RefundAnswer:
        """Give back, once for each key however often it is asked."""
        secrets = await self._secrets(tenant, order.provider)
        with _counted(order.provider, "refund") as outcome:
            answer = await self._speaking[order.provider].refund(secrets.credentials, order)
            outcome.append(answer.status.value)
        return answer

    async def look_up_refund(self, tenant: TenantId, order: RefundOrder) -> RefundAnswer | None:
        """What it knows of this refund."""
        secrets = await self._secrets(tenant, order.provider)
        with _counted(order.provider, "look_up_refund") as outcome:
            answer = await self._speaking[order.provider].look_up_refund(secrets.credentials, order)
            outcome.append(answer.status.value if answer else "unheard_of")
        return answer

    async def look_up(self, tenant: TenantId, order: ChargeOrder) -> ProviderAnswer | None:
        """What it knows of this payment."""
        secrets = await self._secrets(tenant, order.provider)
        with _counted(order.provider, "look_up") as outcome:
            answer = await self._speaking[order.provider].look_up(secrets.credentials, order)
            outcome.append(answer.status.value if answer else "unheard_of")
        return answer

    async def cancel(self, tenant: TenantId, order: ChargeOrder, known: ProviderAnswer) -> ProviderAnswer:
        """Drop it, unless money has moved meanwhile."""
        secrets = await self._secrets(tenant, order.provider)
        with _counted(order.provider, "cancel") as outcome:
            answer = await self._speaking[order.provider].cancel(secrets.credentials, order, known)
            outcome.append(answer.status.value)
        return answer

    async def heard(self, tenant: TenantId, provider: Provider, payload: bytes, headers: Mapping[str, str]) -> Webhook:
        """What a webhook is about, if it is the provider's. Raises PaymentAccountNotConnected, WebhookRefused."""
        secrets = await self._secrets(tenant, provider)
        return await self._speaking[provider].heard(secrets.webhook_secret, payload, headers)

    async def close(self) -> None:
        """Let go of all connections."""
        for provider in self._speaking.values():
            await provider.close()

    async def _secrets(self, tenant: TenantId, provider: Provider) -> Secrets:
        account = await self._accounts(tenant, lambda uow: uow.accounts.find(tenant, provider))
        if account is None or provider not in self._speaking:
            raise PaymentAccountNotConnected(provider=provider.value)
        cipher = await self._cipher(tenant)
        return Secrets.model_validate_json(cipher.unseal(account.sealed, context=account.id.encode()))
