"""Refusals of messages to and from outsiders."""

from domain.kernel.errors import Conflict, NotFound, Refused


class ExchangeKeyNotFound(NotFound):
    """There is no such exchange key for this caller."""

    code = "security.exchange_key_not_found"
    hint = "GET /v1/security/exchange-keys lists them."


class ExchangeKeyRevoked(Conflict):
    """This exchange key was revoked, and its private half destroyed."""

    code = "security.exchange_key_revoked"
    hint = "Ask the sender to encrypt it again, for a key of GET /v1/security/exchange-keys that is not revoked."


class ExchangeMessageInvalid(Refused):
    """This message cannot be opened."""

    code = "security.exchange_message_invalid"
    status = 422
    hint = "Send a compact JWE with RSA-OAEP-256 and A256GCM, made with the public key of one of your exchange keys."


class RecipientKeyInvalid(Refused):
    """We do not encrypt for this key."""

    code = "security.recipient_key_invalid"
    status = 422
    hint = "Send the recipient's RSA public key as a JWK, of 2,048 bits or more."
