"""Messages from outsiders and for them: what another library made opens, and the other way round."""

from __future__ import annotations

import base64
import json
import os
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from hypothesis import given
from hypothesis import strategies as st

from domain.security.exchange import addressee, decrypt, encrypt, generate
from domain.security.exchange_errors import ExchangeMessageInvalid, RecipientKeyInvalid
from domain.security.ids import ExchangeKeyId

KEY = ExchangeKeyId.numbered(1)


@cache
def pair() -> tuple[dict[str, Any], bytes]:
    return generate(KEY)


def b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def octets(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")


def number(text: str) -> int:
    return int.from_bytes(octets(text), "big")


def by_hand(plain: bytes, algorithm: Any = SHA256, **header: Any) -> str:
    """RFC 7516, section 5.1, with nothing but primitives."""
    public = pair()[0]
    key = rsa.RSAPublicNumbers(number(public["e"]), number(public["n"])).public_key()
    protected = b64(json.dumps({"alg": "RSA-OAEP-256", "enc": "A256GCM", "kid": KEY, **header}).encode())
    secret, nonce = os.urandom(32), os.urandom(12)
    oaep = padding.OAEP(mgf=padding.MGF1(algorithm()), algorithm=algorithm(), label=None)
    sealed = AESGCM(secret).encrypt(nonce, plain, protected.encode())
    return ".".join([protected, b64(key.encrypt(secret, oaep)), b64(nonce), b64(sealed[:-16]), b64(sealed[-16:])])


class TestMessage:
    def test_of_another_library_opens(self) -> None:
        message = by_hand(b"the plans")

        assert KEY == addressee(message)
        assert b"the plans" == decrypt(message, pair()[1])

    def test_opens_with_another_library(self) -> None:
        private = rsa.generate_private_key(65537, 2048)
        numbers = private.public_key().public_numbers()
        jwk = {"kty": "RSA", "n": b64(numbers.n.to_bytes(256, "big")), "e": "AQAB", "kid": "theirs"}

        protected, wrapped, nonce, sealed, tag = encrypt(jwk, b"the answer").split(".")

        oaep = padding.OAEP(mgf=padding.MGF1(SHA256()), algorithm=SHA256(), label=None)
        secret = private.decrypt(octets(wrapped), oaep)
        plain = AESGCM(secret).decrypt(octets(nonce), octets(sealed) + octets(tag), protected.encode())
        assert b"the answer" == plain
        assert {"alg": "RSA-OAEP-256", "enc": "A256GCM", "kid": "theirs"} == json.loads(octets(protected))

    @pytest.mark.parametrize(
        "header",
        [{"alg": "RSA-OAEP"}, {"alg": "RSA1_5"}, {"alg": "dir"}, {"enc": "A128GCM"}, {"zip": "DEF"}, {"kid": "x"},
         {"crit": ["b64"]}, {"kid": None}],
    )  # fmt: skip
    def test_with_another_algorithm_is_refused_before_a_key_is_used(self, header: dict[str, Any]) -> None:
        with pytest.raises(ExchangeMessageInvalid):
            addressee(by_hand(b"the plans", **header))

    def test_with_the_older_hash_does_not_open(self) -> None:
        with pytest.raises(ExchangeMessageInvalid):
            decrypt(by_hand(b"the plans", SHA1), pair()[1])

    @given(st.integers(min_value=0, max_value=4), st.integers(min_value=0))
    def test_that_was_changed_does_not_open(self, part: int, place: int) -> None:
        parts = encrypt(pair()[0], b"the plans").split(".")
        changed = bytearray(octets(parts[part]))
        changed[place % len(changed)] ^= 1
        parts[part] = b64(bytes(changed))

        with pytest.raises(ExchangeMessageInvalid):  # noqa: PT012 - by the first that looks at what was changed
            addressee(".".join(parts))
            decrypt(".".join(parts), pair()[1])

    @given(st.text(max_size=80) | st.binary(max_size=60).map(lambda some: b64(some) + "....") | st.just("." * 4))
    def test_that_is_none_is_refused(self, text: str) -> None:
        with pytest.raises(ExchangeMessageInvalid):
            addressee(text)


class TestRecipient:
    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"kty": "EC"}, "not an RSA key"),
            ({"use": "sig"}, "not for encryption"),
            ({"alg": "RSA-OAEP"}, "not for encryption"),
            ({"n": None}, "JWK form"),
            ({"n": "AQAB"}, "17 bits"),
            ({"e": 3}, "JWK form"),
        ],
    )
    def test_that_is_of_no_use_is_refused(self, change: dict[str, Any], reason: str) -> None:
        with pytest.raises(RecipientKeyInvalid) as refusal:
            encrypt({**pair()[0], **change}, b"")

        assert reason in refusal.value.details["reason"]

    def test_that_is_too_small_is_refused(self) -> None:
        numbers = rsa.generate_private_key(65537, 1024).public_key().public_numbers()

        with pytest.raises(RecipientKeyInvalid) as refusal:
            encrypt({"kty": "RSA", "n": b64(numbers.n.to_bytes(128, "big")), "e": "AQAB"}, b"")

        assert "1024 bits" in refusal.value.details["reason"]

    def test_never_sees_the_private_half(self) -> None:
        assert {"kty", "n", "e", "kid", "use", "alg"} == set(pair()[0])
