"""A relay in a process of its own, which a test can kill."""

import asyncio

from adapters.container import open_container
from adapters.settings import load_settings
from worker.relay import Relay


async def relay() -> None:
    """Relay events for ever."""
    async with (
        open_container(load_settings(), process="relay", lazy=False) as container,
        container.transport() as transport,
    ):
        await Relay(container.database, container.subscriptions, container.starter).run(transport)


if __name__ == "__main__":
    asyncio.run(relay())
