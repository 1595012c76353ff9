"""Places that tenants name are asked only if they are outside, and only so many at once."""

from __future__ import annotations

import asyncio

import pytest

from adapters.kernel.outside import Outside, OutsideForbidden, OutsideUnreachable


class TestOutside:
    async def test_lets_one_place_keep_only_a_few_waiting(self) -> None:
        async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        server = await asyncio.start_server(never, "127.0.0.1", 0)
        port, outside = server.sockets[0].getsockname()[1], Outside(private=True)
        waiting = [asyncio.create_task(outside.ask("GET", f"http://127.0.0.1:{port}/")) for _ in range(5)]
        await asyncio.sleep(0)

        with pytest.raises(OutsideUnreachable, match="too many wait"):
            await outside.ask("GET", f"http://127.0.0.1:{port}/")
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await outside.close()
        server.close()

    @pytest.mark.parametrize(
        "url",
        [
            "https://127.0.0.1:1/",
            "https://localhost/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://169.254.169.254/latest/meta-data",
            "https://10.0.0.1/",
            "https://0.0.0.0/",
            "https://[64:ff9b::a00:1]/",
            "https://[2002:a00:1::1]/",
            "https://[::10.0.0.1]/",
            "http://example.com/",
            "ftp://example.com/",
            "https://[/",
        ],
    )
    async def test_is_not_our_own_network(self, url: str) -> None:
        outside = Outside(private=False)

        with pytest.raises(OutsideForbidden):
            await outside.ask("GET", url)
        await outside.close()
