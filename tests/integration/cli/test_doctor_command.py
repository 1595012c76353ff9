"""`harborgrid doctor`: what works, what does not, and what to do about it."""

from __future__ import annotations

from pathlib import Path

from conftest import Stack, free_port
from integration.cli.harborgrid_command import harborgrid


class TestDoctor:
    async def test_finds_a_platform_in_good_health(self, stack: Stack) -> None:
        told = await harborgrid(stack, "doctor")

        assert 0 == told.code, told.out + told.err
        assert "ducklake" in told.out

    async def test_says_what_to_do_about_everything_that_is_wrong(self, stack: Stack) -> None:
        nobody = f"127.0.0.1:{free_port()}"
        wrong = {
            "HARBORGRID_API_PUBLIC_URL": f"http://{nobody}",
            "HARBORGRID_SMTP_PORT": nobody.split(":")[1],
            "HARBORGRID_TEMPORAL_ADDRESS": nobody,
            "HARBORGRID_MASTER_KEY_FILE": "/nowhere/master.key",
            "HARBORGRID_POSTGRES_OWNER_DSN": f"postgresql://nobody:nothing@{nobody}/none",
        }

        told = await harborgrid(stack, "doctor", **wrong)

        assert 1 == told.code, told.out + told.err
        for hint in (
            "check HARBORGRID_API_PUBLIC_URL",
            "check HARBORGRID_SMTP_HOST",
            "check HARBORGRID_TEMPORAL_ADDRESS",
            "HARBORGRID_MASTER_KEY_FILE: /nowhere/master.key",
            "check HARBORGRID_POSTGRES_OWNER_DSN",
        ):
            assert hint in told.out

    async def test_says_that_nats_is_wanted_and_not_there(self, stack: Stack) -> None:
        told = await harborgrid(
            stack, "doctor", HARBORGRID_EVENT_TRANSPORT="nats", HARBORGRID_NATS_URL=f"nats://127.0.0.1:{free_port()}"
        )

        assert 1 == told.code
        assert "start a NATS server" in told.out

    async def test_without_any_database_says_how_to_get_one(self, stack: Stack, tmp_path: Path) -> None:
        told = await harborgrid(
            stack,
            "doctor",
            HARBORGRID_POSTGRES_DSN="",
            HARBORGRID_POSTGRES_OWNER_DSN="",
            HARBORGRID_DATA_DIR=str(tmp_path / "nothing"),
        )

        assert 1 == told.code, told.out + told.err
        assert "run `make up`" in told.out

    async def test_names_a_wrong_setting_and_stops(self, stack: Stack) -> None:
        told = await harborgrid(stack, "doctor", HARBORGRID_API_PORT="eighty")

        assert 2 == told.code
        assert told.err.startswith("HARBORGRID_API_PORT: ")


class TestOperatorKey:
    async def test_is_an_operators(self, stack: Stack) -> None:
        told = await harborgrid(stack, "operator-key", "--label", "night shift")

        current = await stack.http.get("/v1/security/api-keys/current", headers={"X-API-Key": told.out.strip()})
        assert ["operator"] == current.json()["data"]["scopes"]


class TestMigrate:
    async def test_may_be_repeated(self, stack: Stack) -> None:
        first = await harborgrid(stack, "migrate")
        second = await harborgrid(stack, "migrate")

        assert (0, 0) == (first.code, second.code), first.err + second.err
        assert first.out.splitlines()[-1] == second.out.splitlines()[-1]
