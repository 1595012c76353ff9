"""Webhooks' signatures: whoever checks them by the standard's own library takes what is true, and nothing else."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from domain.billing.webhook_signing import secret_text, signed_headers


class TestSignedHeaders:
    @given(st.binary(min_size=24, max_size=64), st.text(max_size=200))
    def test_are_taken_by_the_standards_library(self, secret: bytes, text: str) -> None:
        body, at = f'{{"said": "{len(text)}"}}'.encode(), datetime.now(UTC)  # noqa: TID251

        headers = signed_headers("evt_1", at, body, [secret])

        assert {"said": str(len(text))} == Webhook(secret_text(secret)).verify(body, headers)

    def test_are_taken_with_the_old_secret_while_both_sign(self) -> None:
        old, new, at = b"o" * 32, b"n" * 32, datetime.now(UTC)  # noqa: TID251
        headers = signed_headers("evt_1", at, b"{}", [new, old])

        assert [{}, {}] == [Webhook(secret_text(secret)).verify(b"{}", headers) for secret in (old, new)]

    def test_are_not_taken_for_anything_else(self) -> None:
        secret, at = b"s" * 32, datetime.now(UTC)  # noqa: TID251
        headers = signed_headers("evt_1", at, b'{"paid": 1}', [secret])

        with pytest.raises(WebhookVerificationError):
            Webhook(secret_text(secret)).verify(b'{"paid": 2}', headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(secret_text(b"t" * 32)).verify(b'{"paid": 1}', headers)

    def test_are_those_of_the_standards_example(self) -> None:
        # https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md, "Signature scheme"
        secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        at = datetime.fromtimestamp(1614265330, UTC)

        headers = signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}', [secret])

        assert "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" == headers["webhook-signature"]
