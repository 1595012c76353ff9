"""What tests of people share: an owner of the file's tenant, and a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
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
