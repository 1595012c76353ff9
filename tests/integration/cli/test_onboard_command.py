"""`harborgrid onboard`: the saga as a person watches it."""

from __future__ import annotations

import re

from conftest import Stack
from integration.cli.harborgrid_command import harborgrid

OWNER = ("--owner-name", "Grace Hopper")


class TestOnboard:
    async def test_ends_with_the_tenant_and_its_first_key(self, stack: Stack) -> None:
        told = await harborgrid(stack, "onboard", "Terminal & Sons", *OWNER, "--owner-email", "terminal@example.com")

        assert 0 == told.code, told.out + told.err
        [tenant] = re.findall(r"tenant +(ten_\w+)", told.out)
        [key] = re.findall(r"API key +(hgk_\S+)", told.out)
        current = await stack.http.get("/v1/security/api-keys/current", headers={"X-API-Key": key})
        assert tenant == current.json()["data"]["tenantId"]

    async def test_that_was_undone_says_why(self, stack: Stack) -> None:
        told = await harborgrid(stack, "onboard", "Nobody Home", *OWNER, "--owner-email", "nobody@refused.example")

        assert 1 == told.code, told.out + told.err
        assert "undone" in told.out
        assert "notifications.mail_refused" in told.out

    async def test_on_an_unknown_plan_says_where_plans_are_listed(self, stack: Stack) -> None:
        told = await harborgrid(
            stack, "onboard", "Big Plans", *OWNER, "--owner-email", "big@example.com", "--plan", "gigantic"
        )

        assert 2 == told.code
        assert "billing.platform_plan_not_found" in told.err
        assert "GET /v1/billing/platform-plans" in told.err

    async def test_without_an_owner_shows_how_it_is_called(self, stack: Stack) -> None:
        told = await harborgrid(stack, "onboard", "Ownerless")

        assert 2 == told.code
        assert "--owner-email" in told.err
