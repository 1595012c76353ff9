"""A master key in AWS Key Management Service, which wraps and unwraps over there.

AWS's own SDK signs the requests and finds the credentials (environment, profile, or the role of the machine or pod).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

from adapters.settings import BadConfiguration
from domain.security.errors import MasterKeyUnavailable, Undecipherable

_ARN = re.compile(r"arn:aws[a-z-]*:kms:(?P<region>[a-z0-9-]+):\d{12}:(?:key|alias)/[\w/:-]+")
_NOT_OURS = {"InvalidCiphertextException", "IncorrectKeyException"}
PREFIX = "aws-kms/"


class AwsKms:
    """See `domain.security.ports.KeyManagement`; the context goes into CloudTrail as the encryption context."""

    def __init__(self, arn: str, endpoint: str = "") -> None:
        """Raises BadConfiguration if it is not an ARN of KMS."""
        told = _ARN.fullmatch(arn)
        if told is None:
            raise BadConfiguration(
                f"HARBORGRID_KMS_KEY: {arn!r} is not the ARN of a KMS key or alias, "
                "such as arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
            )
        config = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "max_attempts": 3})
        self._arn, self.master_key_id = arn, PREFIX + arn
        self._kms = get_session().create_client(
            "kms", region_name=told["region"], endpoint_url=endpoint or None, config=config
        )

    async def wrap(self, key: bytes, *, context: Mapping[str, str]) -> bytes:
        """One call of `Encrypt`."""
        reply = await self._ask("encrypt", KeyId=self._arn, Plaintext=key, EncryptionContext=dict(context))
        wrapped: bytes = reply["CiphertextBlob"]
        return wrapped

    async def unwrap(self, wrapped: bytes, *, master_key_id: str | None, context: Mapping[str, str]) -> bytes:
        """One call of `Decrypt`, by the key that wrapped it."""
        arn = (master_key_id or "").removeprefix(PREFIX)
        reply = await self._ask("decrypt", KeyId=arn, CiphertextBlob=wrapped, EncryptionContext=dict(context))
        key: bytes = reply["Plaintext"]
        return key

    async def _ask(self, action: str, **parameters: Any) -> Any:
        try:
            return await asyncio.to_thread(getattr(self._kms, action), **parameters)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in _NOT_OURS:
                raise Undecipherable from None
            raise MasterKeyUnavailable(f"AWS KMS refused: {code}", reason=code) from error
        except BotoCoreError as error:
            raise MasterKeyUnavailable(f"AWS KMS: {error}", reason=type(error).__name__) from error
