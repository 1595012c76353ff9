"""Verifying access tokens, against the bare signature; a request pays for it once a second, then it is remembered."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from adapters.kernel.clock import new_id, utc_now
from domain.kernel.ids import TenantId, UserId
from domain.security.access_tokens import ACCESS_TOKEN, access_claims
from domain.security.ids import AccessTokenId, ApplicationId, GrantId
from domain.security.jose import Expected, KeySet, VerificationKey, sign, verify
from domain.security.oauth import ACCESS_TOKEN_LIFETIME, Grant
from performance.report import Figure

ISSUER, ROUND, ROUNDS = "https://api.example", 500, 7


async def measure(_: Path) -> list[Figure]:
    """One core; three algorithms; three keys in the set, as in life."""
    keys: dict[str, Key] = {
        "EdDSA": OKPKey.generate_key("Ed25519"),
        "ES256": ECKey.generate_key("P-256"),
        "RS256": RSAKey.generate_key(2048),
    }
    known = KeySet(tuple(VerificationKey(name, name, key) for name, key in keys.items()))
    return [_figure(name, key, known) for name, key in keys.items()]


def _figure(algorithm: str, key: Key, known: KeySet) -> Figure:
    now = utc_now()
    grant = Grant(
        id=new_id(GrantId),
        tenant_id=new_id(TenantId),
        client_id=new_id(ApplicationId),
        user_id=new_id(UserId),
        scopes=("openid", "read"),
        created_at=now,
        expires_at=now + ACCESS_TOKEN_LIFETIME,
    )
    claims = access_claims(grant, grant.scopes, issuer=ISSUER, token_id=new_id(AccessTokenId), now=now)
    token = sign(claims, key, algorithm=algorithm, kid=algorithm, kind=ACCESS_TOKEN)
    expected = Expected(issuer=ISSUER, audience=ISSUER, kinds=(ACCESS_TOKEN,))
    signed, _, signature = token.rpartition(".")
    raw, message = base64.urlsafe_b64decode(signature + "=="), signed.encode()
    bare = _bare(algorithm, key, raw, message)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(_rate(lambda: verify(token, known, expected, now=now)))
        theirs.append(_rate(bare))
    return Figure.of_ratio(
        what=f"Verifying access tokens ({algorithm}), on one core",
        baseline="the signature alone, with cryptography",
        measured=f"{median(ours):,.0f}/s against {median(theirs):,.0f}/s",
        ratio=median(ours) / median(theirs),
        least=_LEAST[algorithm],
    )


# Reading and checking claims takes the same time whatever the signature takes; that of RSA is quickly verified.
_LEAST = {"EdDSA": 0.5, "ES256": 0.4, "RS256": 0.2}


def _bare(algorithm: str, key: Key, signature: bytes, message: bytes) -> Callable[[], object]:
    public: Any = key.public_key
    if algorithm == "EdDSA":
        return lambda: public.verify(signature, message)
    if algorithm == "RS256":
        return lambda: public.verify(signature, message, PKCS1v15(), SHA256())
    der = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
    return lambda: public.verify(der, message, ECDSA(SHA256()))


def _rate(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    for _ in range(ROUND):
        work()
    return ROUND / (time.perf_counter() - started)
