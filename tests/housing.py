"""What tests of people and applications share: an owner of the file's tenant, an application, and a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from applications import Registered, registered
from browsers import CHROMIUM
from conftest import Stack, Tenant
from people import House, Person, new_house, signed_in
from playwright.async_api import Browser, async_playwright


@pytest.fixture
async def house(stack: Stack, tenant: Tenant) -> House:
    """A new owner of the tenant, with a password."""
    return await new_house(stack, tenant)


@pytest.fixture
async def owner(stack: Stack, house: House) -> Person:
    """That owner, signed in."""
    return await signed_in(stack.http, house.owner)


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    """A real one."""
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        await opened.close()


@pytest.fixture(scope="module")
async def stranger(stack: Stack) -> Tenant:
    """Another tenant than the file's."""
    return await stack.tenant(organisation="Elsewhere")


@pytest.fixture(scope="module")
async def application(tenant: Tenant) -> Registered:
    """One of the tenant's that people let in; where a file has one tenant."""
    return await registered(tenant)
