"""Sealed is what opens with the same key and context, and with nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.security.envelope import KEY_BYTES, NONCE_BYTES, seal, unseal
from domain.security.errors import Undecipherable

keys = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES)
nonces = st.binary(min_size=NONCE_BYTES, max_size=NONCE_BYTES)


class TestSeal:
    @given(keys, nonces, st.binary(max_size=300), st.binary(max_size=40))
    def test_opens_to_what_was_sealed(self, key: bytes, nonce: bytes, plain: bytes, context: bytes) -> None:
        assert plain == unseal(key, seal(key, plain, nonce=nonce, context=context), context=context)

    @given(keys, nonces, st.binary(min_size=1, max_size=60), st.data())
    def test_does_not_open_with_a_byte_changed(
        self, key: bytes, nonce: bytes, plain: bytes, data: st.DataObject
    ) -> None:
        sealed = bytearray(seal(key, plain, nonce=nonce, context=b"here"))
        position = data.draw(st.integers(0, len(sealed) - 1))
        sealed[position] ^= data.draw(st.integers(1, 255))

        with pytest.raises(Undecipherable):
            unseal(key, bytes(sealed), context=b"here")

    @given(keys, keys, nonces)
    def test_does_not_open_with_another_key_or_context(self, key: bytes, other: bytes, nonce: bytes) -> None:
        sealed = seal(key, b"plain", nonce=nonce, context=b"here")

        with pytest.raises(Undecipherable):
            unseal(key, sealed, context=b"there")
        if key != other:
            with pytest.raises(Undecipherable):
                unseal(other, sealed, context=b"here")

    @given(st.binary(max_size=20))
    def test_refuses_what_is_too_short_to_be_sealed(self, sealed: bytes) -> None:
        with pytest.raises(Undecipherable):
            unseal(bytes(KEY_BYTES), sealed, context=b"")
