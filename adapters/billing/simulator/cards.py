"""Test cards, called as Stripe calls them (https://docs.stripe.com/testing)."""

from __future__ import annotations

from typing import NamedTuple


class Card(NamedTuple):
    """A card. refused: why it cannot be saved. declined: why every charge of it is declined.

    keeps_refunds: no refund arrives.
    """

    brand: str
    last4: str
    refused: str | None = None
    declined: str | None = None
    authenticates: bool = False
    disputes: bool = False
    keeps_refunds: bool = False


CARDS = {
    "pm_card_visa": Card("visa", "4242"),
    "pm_card_mastercard": Card("mastercard", "4444"),
    "pm_card_amex": Card("amex", "8431"),
    "pm_card_chargeCustomerFail": Card("visa", "0341", declined="generic_decline"),
    "pm_card_authenticationRequired": Card("visa", "3184", authenticates=True),
    "pm_card_createDispute": Card("visa", "0259", disputes=True),
    "pm_card_refundFail": Card("visa", "5126", keeps_refunds=True),
    "pm_card_visa_chargeDeclined": Card("visa", "0002", refused="generic_decline"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": Card("visa", "9995", refused="insufficient_funds"),
    "pm_card_visa_chargeDeclinedLostCard": Card("visa", "9987", refused="lost_card"),
    "pm_card_chargeDeclinedExpiredCard": Card("visa", "0069", refused="expired_card"),
}

OWN_CODES = frozenset({"expired_card", "incorrect_cvc", "processing_error", "authentication_required"})
"""Declines whose error code is their own; of all others it is `card_declined`."""


def error_code(decline: str) -> str:
    """The error's `code` for a `decline_code`."""
    return decline if decline in OWN_CODES else "card_declined"
