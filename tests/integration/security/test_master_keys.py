"""Master keys: in a file, and in AWS KMS as another project speaks its protocol (moto)."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session
from conftest import database_of_its_own, free_port, settings_for
from moto.server import ThreadedMotoServer

from adapters.container import open_container
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.security.aws_kms import AwsKms
from adapters.security.keyring import PostgresKeyRing
from adapters.security.master_keys import FileKeys, MasterKeys, master_keys, root_secret
from adapters.settings import BadConfiguration
from adapters.temporal.embedded import EmbeddedTemporal
from domain.security.commands import FollowReencryption
from domain.security.errors import MasterKeyUnavailable, Undecipherable
from domain.security.ids import ReencryptionId

REENCRYPTION = ReencryptionId.numbered(1)
KEY, CONTEXT = b"k" * 32, {"purpose": "data-key", "owner": "ten_1", "id": "dek_1"}


def line(key: bytes) -> str:
    return base64.b64encode(key).decode()


@pytest.fixture(scope="module")
def kms() -> Iterator[str]:
    """The URL of a KMS."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
    server.start()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        patched.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def arn(kms: str) -> str:
    """Of a new key."""
    client: Any = get_session().create_client("kms", region_name="eu-central-1", endpoint_url=kms)
    made: str = client.create_key()["KeyMetadata"]["Arn"]
    return made


class TestFile:
    async def test_wraps_with_its_last_key_and_opens_what_the_others_wrapped(self, tmp_path: Path) -> None:
        path = tmp_path / "master.key"
        path.write_text(line(b"1" * 32) + "\n")
        first = FileKeys.read(path)
        wrapped = await first.wrap(KEY, context=CONTEXT)
        path.write_text(line(b"1" * 32) + "\n" + line(b"2" * 32) + "\n")

        both = FileKeys.read(path)

        assert first.master_key_id == both.oldest != both.master_key_id
        for told in (first.master_key_id, None):
            assert KEY == await both.unwrap(wrapped, master_key_id=told, context=CONTEXT)
        with pytest.raises(Undecipherable):
            await both.unwrap(wrapped, master_key_id=both.master_key_id, context=CONTEXT)
        with pytest.raises(Undecipherable):
            await both.unwrap(wrapped, master_key_id=both.oldest, context={**CONTEXT, "owner": "ten_2"})
        with pytest.raises(MasterKeyUnavailable):
            await FileKeys([b"3" * 32]).unwrap(wrapped, master_key_id=both.oldest, context=CONTEXT)

    @pytest.mark.parametrize("text", ["", "\n", "short", line(b"1" * 31), line(b"1" * 32) + "\nrubbish", "é"])
    def test_that_holds_something_else_is_refused(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "master.key"
        path.write_text(text)

        with pytest.raises(BadConfiguration, match="HARBORGRID_MASTER_KEY_FILE"):
            FileKeys.read(path)

    def test_never_shows_a_key_in_its_id(self) -> None:
        assert b"1" * 8 not in FileKeys([b"1" * 32]).master_key_id.encode()


class TestAwsKms:
    async def test_wraps_and_opens_there_for_the_same_context(self, kms: str, arn: str) -> None:
        there = AwsKms(arn, kms)

        wrapped = await there.wrap(KEY, context=CONTEXT)

        assert KEY not in wrapped
        assert KEY == await there.unwrap(wrapped, master_key_id=there.master_key_id, context=CONTEXT)
        with pytest.raises(Undecipherable):
            await there.unwrap(wrapped, master_key_id=there.master_key_id, context={**CONTEXT, "owner": "ten_2"})

    async def test_that_does_not_know_the_key_or_does_not_answer_is_named(self, kms: str, arn: str) -> None:
        unknown = AwsKms(arn[:-4] + "0000", kms)
        silent = AwsKms(arn, f"http://127.0.0.1:{free_port()}")

        reasons = []
        for there in (unknown, silent):
            with pytest.raises(MasterKeyUnavailable) as refusal:
                await there.wrap(KEY, context=CONTEXT)
            reasons.append(refusal.value.details["reason"])

        assert ["NotFoundException", "EndpointConnectionError"] == reasons

    @pytest.mark.parametrize("arn", ["", "alias/master", "arn:aws:s3:::bucket", "arn:aws:kms:eu-central-1:1:key/x"])
    def test_needs_an_arn(self, arn: str) -> None:
        with pytest.raises(BadConfiguration, match="HARBORGRID_KMS_KEY"):
            AwsKms(arn)


class TestPlatform:
    async def test_moves_from_a_file_to_kms(
        self, kms: str, arn: str, postgres: EmbeddedPostgres, temporal: EmbeddedTemporal, tmp_path: Path
    ) -> None:
        async with database_of_its_own(postgres) as name:
            before = settings_for(postgres, temporal, name, tmp_path)
            async with open_container(before, process="test") as container:
                root, (key_id, key) = container.root_secret, await container.keys.active("platform")
            after = settings_for(postgres, temporal, name, tmp_path, kms_key=arn, kms_endpoint=kms)
            async with open_container(after, process="test") as container:
                assert root == container.root_secret
                assert (key_id, key) == await container.keys.active("platform")
                there = f"aws-kms/{arn}"
                async with container.database.connection() as connection:
                    await connection.execute(
                        "INSERT INTO platform.security_reencryption "
                        "VALUES ($2, NULL, 'master_key', $1, now(), NULL, 0, 2)",
                        there,
                        REENCRYPTION,
                    )
                state = await container.reencryptor.step(
                    FollowReencryption(reencryption_id=REENCRYPTION), heartbeat=lambda done: None
                )
                moved = state.done
            before.master_key_path.unlink()

            async with open_container(after, process="test") as container:
                assert root == container.root_secret
                assert (key_id, key) == await container.keys.active("platform")
                assert (await container.keys.active("ten_new"))[0]
                async with container.database.connection() as connection:
                    rows = await connection.fetch("SELECT DISTINCT master_key_id FROM platform.security_data_key")
        assert 2 == moved
        assert [there] == [row[0] for row in rows]

    async def test_keeps_the_secret_that_older_releases_derived_from_the_master_key(
        self, postgres: EmbeddedPostgres, temporal: EmbeddedTemporal, tmp_path: Path
    ) -> None:
        async with database_of_its_own(postgres) as name:
            settings = settings_for(postgres, temporal, name, tmp_path)
            async with open_container(settings, process="test") as container:
                await container.keys.active("platform")
                async with container.database.connection() as connection:
                    await connection.execute("UPDATE platform.security_data_key SET master_key_id = NULL")
                    await connection.execute("DELETE FROM platform.security_root_secret")
                masters = master_keys(settings)

                root = await root_secret(container.database, masters)

                assert masters.file is not None
                assert root == masters.file.keys[masters.file.oldest]
                assert root == await root_secret(container.database, masters)
                fresh = PostgresKeyRing(container.database, masters)
                assert await container.keys.active("platform") == await fresh.active("platform")

    async def test_says_what_is_missing_when_the_file_is_gone_too_early(self, arn: str, kms: str) -> None:
        file = FileKeys([os.urandom(32)])
        wrapped = await file.wrap(KEY, context=CONTEXT)

        with pytest.raises(MasterKeyUnavailable, match="in a file, and there is none"):
            await MasterKeys(AwsKms(arn, kms), None).unwrap(wrapped, master_key_id=file.master_key_id, context=CONTEXT)
