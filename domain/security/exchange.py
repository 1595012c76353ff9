"""Messages to and from outsiders: JSON Web Encryption (RFC 7516) with RSA-OAEP-256 (RFC 7518, 4.3) and A256GCM.

A tenant gives its public key to whom it likes; what comes back opens here only. What goes out opens there only.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId
from domain.security.exchange_errors import (
    ExchangeKeyRevoked,
    ExchangeMessageInvalid,
    RecipientKeyInvalid,
)
from domain.security.ids import ExchangeKeyId
from domain.security.key_model import ExchangeKey
from domain.security.permissions import CREATE_EXCHANGE_KEY, REVOKE_EXCHANGE_KEY
from domain.security.ports import SecurityUnitOfWork

ALGORITHM, ENCRYPTION = "RSA-OAEP-256", "A256GCM"
KEY_BITS = 3072
_LEAST_BITS, _MOST_BITS = 2048, 8192
_REST = 4
"""The parts of a compact JWE that follow its header."""
_ALGORITHMS = [ALGORITHM, ENCRYPTION]


def generate(key_id: ExchangeKeyId) -> tuple[dict[str, Any], bytes]:
    """A fresh pair: the public half as a JWK, the private one as PKCS #8 to be sealed. Takes up to seconds."""
    key = RSAKey.generate_key(KEY_BITS)
    told = {"kid": key_id, "use": "enc", "alg": ALGORITHM}
    return {**key.as_dict(private=False), **told}, key.as_der(private=True)


async def create(uow: SecurityUnitOfWork, key: ExchangeKey) -> None:
    """Keep a pair."""
    await uow.exchange_keys.put(key)
    uow.audit.record(
        AuditEntry(
            tenant_id=key.tenant_id, action=CREATE_EXCHANGE_KEY.name, resource=key.id, details={"name": key.name}
        )
    )


async def revoke(uow: SecurityUnitOfWork, tenant: TenantId, key_id: ExchangeKeyId, *, now: datetime) -> ExchangeKey:
    """Destroy the private half: what was encrypted for it is lost. May be repeated. Raises ExchangeKeyNotFound."""
    key = await uow.exchange_keys.get(tenant, key_id)
    if key.revoked_at is not None:
        return key
    revoked = key.model_copy(update={"sealed": None, "revoked_at": now})
    await uow.exchange_keys.put(revoked)
    uow.audit.record(AuditEntry(tenant_id=tenant, action=REVOKE_EXCHANGE_KEY.name, resource=key_id))
    return revoked


def encrypt(recipient: Mapping[str, Any], plain: bytes) -> str:
    """A compact JWE that only the recipient opens. Raises RecipientKeyInvalid."""
    key = _recipient(recipient)
    header = {"alg": ALGORITHM, "enc": ENCRYPTION}
    if isinstance(recipient.get("kid"), str):
        header["kid"] = recipient["kid"]
    return jwe.encrypt_compact(header, plain, key, algorithms=_ALGORITHMS)


def addressee(message: str) -> ExchangeKeyId:
    """The key that a message says it is encrypted for. Raises ExchangeMessageInvalid."""
    try:
        first, *rest = message.split(".")
        header = json.loads(_octets(first))
    except (ValueError, RecursionError):
        header, rest = None, []
    if not isinstance(header, dict) or len(rest) != _REST:
        raise ExchangeMessageInvalid(reason="it is not a JWE in the compact form")
    if header.get("alg") != ALGORITHM or header.get("enc") != ENCRYPTION:
        raise ExchangeMessageInvalid(reason=f"it is not encrypted with {ALGORITHM} and {ENCRYPTION}")
    if {"zip", "crit"} & set(header):
        raise ExchangeMessageInvalid(reason='it says "zip" or "crit", which we do not take')
    try:
        return ExchangeKeyId.parse(str(header.get("kid")))
    except ValueError:
        raise ExchangeMessageInvalid(reason='its "kid" is not an exchange key') from None


def private_of(key: ExchangeKey) -> bytes:
    """The sealed private half. Raises ExchangeKeyRevoked."""
    if key.sealed is None:
        raise ExchangeKeyRevoked
    return key.sealed


def decrypt(message: str, private: bytes) -> bytes:
    """What is in a message. Raises ExchangeMessageInvalid for one that was changed."""
    # We made it: to check its primes again would take a hundred times as long as to open the message.
    ours = load_der_private_key(private, None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(ours, RSAPrivateKey)
    key = RSAKey.import_key(ours)
    try:
        plain = jwe.decrypt_compact(message.encode(), key, algorithms=_ALGORITHMS).plaintext
    except (JoseError, ValueError):
        plain = None
    if plain is None:
        raise ExchangeMessageInvalid(reason="it does not open with this key: it was changed, or made for another")
    return plain


def _recipient(told: Mapping[str, Any]) -> RSAKey:
    public = {name: told[name] for name in ("kty", "n", "e") if name in told}
    if told.get("kty") != "RSA":
        raise RecipientKeyInvalid(reason="it is not an RSA key")
    if told.get("use", "enc") != "enc" or told.get("alg", ALGORITHM) != ALGORITHM:
        raise RecipientKeyInvalid(reason=f"it says that it is not for encryption with {ALGORITHM}")
    try:
        bits = int.from_bytes(_octets(public["n"]), "big").bit_length()
        if not _LEAST_BITS <= bits <= _MOST_BITS:
            raise RecipientKeyInvalid(reason=f"it has {bits} bits, and we take {_LEAST_BITS} to {_MOST_BITS}")
        return RSAKey.import_key(public)
    except (JoseError, ValueError, TypeError, KeyError):
        raise RecipientKeyInvalid(reason="it is not an RSA public key in JWK form") from None


def _octets(encoded: str) -> bytes:
    return base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
