"""JSON Web Tokens, read strictly: RFC 7515, 7517 and 7519 as RFC 8725 says they should be used.

A token names its key by `kid`; the key says which algorithm it is for, and the token cannot choose another.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry

from domain.security.errors import TokenInvalid

ALGORITHMS = ("EdDSA", "ES256", "RS256")
"""What we sign with and accept; symmetric ones and `none` are not among them."""
CLOCK_SKEW = timedelta(seconds=30)
"""By how much another's clock may differ from ours."""
LEAST_RSA_BITS = 2048
MOST_CHARACTERS = 8_192
MOST_KEYS = 10
_PUBLIC = ("kty", "crv", "x", "y", "n", "e", "kid", "use", "alg")
_MOST_OF_OTHERS = 50
_MOST_DIGITS = 2_000
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class _Registry(JWSRegistry):
    """RFC 9864 would have `EdDSA` called `Ed25519`, which few programs know yet; here it is always that curve."""

    def get_alg(self, name: str) -> Any:
        if name not in ALGORITHMS:
            raise TokenInvalid(reason=f"its algorithm is not one of {', '.join(ALGORITHMS)}")
        return self.algorithms[name]


_REGISTRY = _Registry(algorithms=ALGORITHMS, strict_check_header=False)


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key, and the one algorithm it is for."""

    kid: str | None
    algorithm: str
    key: Key


@dataclass(frozen=True, slots=True)
class KeySet:
    """Keys that tokens of one issuer are signed with."""

    keys: tuple[VerificationKey, ...]

    def find(self, kid: str | None, algorithm: str) -> VerificationKey | None:
        """The key a token means; without a `kid` there must be only one for its algorithm."""
        named = [key for key in self.keys if (kid is None or key.kid == kid) and key.algorithm == algorithm]
        return named[0] if len(named) == 1 else None


def read_keys(document: Mapping[str, Any]) -> KeySet:
    """A JWK set that we are asked to keep (RFC 7517). Raises ValueError with what is wrong about it.

    Every key is public, for signatures, and of a kind and size that we use.
    """
    entries = document.get("keys")
    if not isinstance(entries, list) or not entries:
        raise ValueError('there is no list of "keys"')
    if len(entries) > MOST_KEYS:
        raise ValueError(f"there are more than {MOST_KEYS} keys")
    keys = tuple(_read(entry) for entry in entries)
    names = [key.kid for key in keys]
    if len(keys) > 1 and (None in names or len(set(names)) < len(names)):
        raise ValueError('several keys need a "kid" each, and no two the same')
    return KeySet(keys)


def usable_keys(document: Mapping[str, Any]) -> KeySet:
    """Those of somebody else's JWK set that we can use: theirs may have keys for other things."""
    entries = document.get("keys")
    return KeySet(tuple(_those_readable(entries[:_MOST_OF_OTHERS] if isinstance(entries, list) else [])))


def kept(document: Mapping[str, Any]) -> dict[str, Any]:
    """What is worth keeping of a set that `read_keys` has read: the public members that we know."""
    return {"keys": [{name: entry[name] for name in _PUBLIC if name in entry} for entry in document["keys"]]}


def sign(claims: Mapping[str, Any], key: Key, *, algorithm: str, kid: str, kind: str) -> str:
    """A token in the compact form. kind: its `typ`."""
    header = {"alg": algorithm, "kid": kid, "typ": kind}
    payload = json.dumps(claims, separators=(",", ":")).encode()
    return jws.serialize_compact(header, payload, key, registry=_REGISTRY)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token has to say. kinds: allowed `typ`; empty if it need not have one."""

    issuer: str
    audience: str
    kinds: Collection[str] = ()
    algorithms: Collection[str] = ALGORITHMS


def verify(token: str, keys: KeySet, expected: Expected, *, now: datetime) -> dict[str, Any]:
    """The claims of a token that is signed, meant for us, and holds at this instant. Raises TokenInvalid."""
    claims = signed_claims(token, keys, kinds=expected.kinds, algorithms=expected.algorithms)
    for name in ("exp", "nbf", "iat"):
        if name in claims and (isinstance(claims[name], bool) or not isinstance(claims[name], int | float)):
            raise TokenInvalid(reason=f"its {name} is no number")
    audience = claims.get("aud")
    if isinstance(audience, list) and not all(isinstance(each, str) for each in audience):
        raise TokenInvalid(reason="its aud is not made of strings")
    registry = JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=int(CLOCK_SKEW.total_seconds()),
        iss={"essential": True, "value": expected.issuer},
        aud={"essential": True, "value": expected.audience},
        exp={"essential": True},
        sub={"essential": True},
    )
    try:
        registry.validate(claims)
    except JoseError as error:
        raise TokenInvalid(reason=_said(error)) from None
    except OverflowError:
        raise TokenInvalid(reason="its times are out of range") from None
    return claims


def signed_claims(
    token: str, keys: KeySet, *, kinds: Collection[str] = (), algorithms: Collection[str] = ALGORITHMS
) -> dict[str, Any]:
    """What a token says, if one of these keys signed it; whether it holds is another question. Raises TokenInvalid."""
    payload = signed_payload(token, keys, kinds=kinds, algorithms=algorithms)
    try:
        claims = json.loads(payload)
    except (ValueError, RecursionError):
        raise TokenInvalid(reason="its claims are not JSON") from None
    if not isinstance(claims, dict):
        raise TokenInvalid(reason="its claims are no JSON object")
    return claims


def signed_payload(
    token: str, keys: KeySet, *, kinds: Collection[str] = (), algorithms: Collection[str] = ALGORITHMS
) -> bytes:
    """The payload of a compact JWS that one of these keys signed. Raises TokenInvalid."""
    if len(token) > MOST_CHARACTERS or not token.isascii():
        raise TokenInvalid(reason="it is no compact JWS")
    try:
        parsed = jws.extract_compact(token.encode(), registry=_REGISTRY)
    except (JoseError, ValueError, TypeError, AttributeError, RecursionError):
        raise TokenInvalid(reason="it is no compact JWS") from None
    header = parsed.headers()
    algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise TokenInvalid(reason=f"its algorithm is not one of {', '.join(sorted(algorithms))}")
    if "crit" in header:
        raise TokenInvalid(reason="it demands extensions that we do not have (crit)")
    if kid is not None and not isinstance(kid, str):
        raise TokenInvalid(reason="its kid is no string")
    if kinds and (not isinstance(kind, str) or kind.lower().removeprefix("application/") not in kinds):
        raise TokenInvalid(reason=f"its typ is not {' or '.join(sorted(kinds))}")
    key = keys.find(kid, algorithm)
    if key is None:
        raise TokenInvalid(reason="no key of its issuer has this kid and algorithm")
    try:
        genuine = jws.validate_compact(parsed, key.key, registry=_REGISTRY)
    except (JoseError, ValueError):
        genuine = False
    if not genuine:
        raise TokenInvalid(reason="its signature is wrong")
    return bytes(parsed.payload)


def import_key(algorithm: str, entry: Mapping[str, Any]) -> Key:
    """A JWK for this algorithm, public or private. Raises what joserfc raises."""
    if algorithm == "EdDSA":
        return OKPKey.import_key(dict(entry))
    return ECKey.import_key(dict(entry)) if algorithm == "ES256" else RSAKey.import_key(dict(entry))


def _those_readable(entries: Iterable[Any]) -> Iterable[VerificationKey]:
    for entry in entries:
        try:
            yield _read(entry)
        except ValueError:
            continue


def _read(entry: Any) -> VerificationKey:
    if not isinstance(entry, dict):
        raise ValueError("a key is no JSON object")  # noqa: TRY004 - it came over the wire
    if not _PRIVATE.isdisjoint(entry):
        raise ValueError("a secret or private key belongs nowhere but with its owner")
    if entry.get("use", "sig") != "sig":
        raise ValueError('a key\'s "use" is not "sig"')
    operations = entry.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise ValueError('a key\'s "key_ops" do not have "verify"')
    if any(name in entry and len(str(entry[name])) > _MOST_DIGITS for name in _PUBLIC):
        raise ValueError("a key's numbers are too long")
    algorithm = _algorithm_for(entry)
    if entry.get("alg", algorithm) != algorithm:
        raise ValueError(f'a key\'s "alg" is not "{algorithm}", which its kind is for')
    kid = entry.get("kid")
    if kid is not None and not (isinstance(kid, str) and 0 < len(kid) <= 200 and kid.isprintable()):
        raise ValueError('a "kid" is no string of 200 characters at most')
    try:
        key = import_key(algorithm, entry)
        size = key.public_key.key_size if isinstance(key, RSAKey) else LEAST_RSA_BITS
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise ValueError("a key's numbers are wrong") from None
    if size < LEAST_RSA_BITS:
        raise ValueError(f"an RSA key has less than {LEAST_RSA_BITS} bits")
    return VerificationKey(kid, algorithm, key)


def _algorithm_for(entry: Mapping[str, Any]) -> str:
    kinds = {("OKP", "Ed25519"): "EdDSA", ("EC", "P-256"): "ES256", ("RSA", None): "RS256"}
    try:
        return kinds[entry.get("kty"), entry.get("crv")]  # type: ignore[index]
    except (KeyError, TypeError):
        raise ValueError("a key is none of Ed25519, P-256 and RSA") from None


def _said(error: JoseError) -> str:
    text = str(error.description or error.error).replace('"', "'")
    return text[:1].lower() + text[1:]
