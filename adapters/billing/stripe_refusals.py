"""Stripe's errors and declines by our names."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from domain.billing.events import Decline
from domain.billing.payment_errors import PaymentAccountRefused, PaymentMethodRefused, ProviderUnreachable

# https://docs.stripe.com/declines/codes: where the advice is to use another card.
_HARD = frozenset(
    {
        "expired_card",
        "lost_card",
        "stolen_card",
        "pickup_card",
        "restricted_card",
        "fraudulent",
        "invalid_account",
        "incorrect_number",
        "invalid_number",
        "card_not_supported",
        "currency_not_supported",
        "revocation_of_authorization",
        "revocation_of_all_authorizations",
        "stop_payment_order",
        "transaction_not_allowed",
        "merchant_blacklist",
    }
)


@asynccontextmanager
async def named(raw: type[Exception] | tuple[type[Exception], ...] = ()) -> AsyncIterator[None]:
    """Stripe's errors by our names, except for `raw`, which the caller names itself."""
    import stripe  # noqa: PLC0415 - a third of a second, where it is used

    try:
        yield
    except raw:
        raise
    except stripe.CardError as refused:
        code = field(refused.error, "decline_code") or refused.code
        raise PaymentMethodRefused(refused.user_message, decline_code=code) from None
    except (stripe.APIConnectionError, stripe.RateLimitError) as lost:
        raise ProviderUnreachable(str(lost)[:300]) from None
    except stripe.IdempotencyError as mixed_up:
        raise PaymentAccountRefused(str(mixed_up.user_message)) from None
    except (stripe.AuthenticationError, stripe.PermissionError) as refused:
        raise PaymentAccountRefused(str(refused.user_message or refused)) from None
    except stripe.InvalidRequestError as refused:
        if refused.http_status == 409:
            raise ProviderUnreachable("the same request is still being answered") from None
        raise PaymentMethodRefused(refused.user_message, decline_code=refused.code) from None
    except stripe.StripeError as broken:
        raise ProviderUnreachable(str(broken)[:300]) from None


def decline_of(code: str) -> Decline:
    """Of which kind a decline is, by its code."""
    if code in ("authentication_required", "authentication_not_handled", "payment_intent_authentication_failure"):
        return Decline.AUTHENTICATION_REQUIRED
    return Decline.HARD if code in _HARD else Decline.SOFT


def field(thing: Any, name: str) -> Any:
    """A field of Stripe's, which leaves out what it has nothing to say for."""
    return getattr(thing, name, None)
