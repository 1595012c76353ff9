"""Requests to places that a tenant has named: never to our own network, never without an end.

A tenant could name an address of ours, by its number or by a name that leads there. The name is resolved once, its
addresses are looked at, and the connection goes to one that was looked at.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import httpcore

_SECONDS = 5.0
_TOGETHER_SECONDS = 15.0
_MOST_BYTES = 1_000_000
_MOST_AT_ONCE = 5
# They lead to IPv4 addresses, or are out of use: what Python calls global is not always outside (RFC 6052, 3056, 3879).
_INSIDE_OUT = tuple(map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96", "fec0::/10")))


class OutsideUnreachable(Exception):
    """Nobody there, no answer in time, or an answer that is no HTTP: trying again may help."""


class OutsideForbidden(Exception):
    """This place is none that we ask: not on TLS, or inside our own network."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    status: int
    body: bytes


class Outside:
    """A client for the world outside. private: also ask addresses of private networks, and without TLS."""

    def __init__(self, *, private: bool) -> None:
        self._private, self._asked = private, Counter[str]()
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=200,
            keepalive_expiry=10,
            network_backend=_Guarded(private=private),
        )

    async def ask(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> Reply:
        """The answer; redirects are not followed. Raises OutsideForbidden, OutsideUnreachable."""
        if not url.startswith(("https://", "http://") if self._private else "https://"):
            raise OutsideForbidden("it is not on TLS")
        place = _place(url)
        if self._asked[place] >= _MOST_AT_ONCE:
            # One place that never answers must not keep the others waiting.
            raise OutsideUnreachable("too many wait for it already")
        self._asked[place] += 1
        try:
            return await self._ask(method, url, headers, content)
        finally:
            self._asked[place] -= 1
            if not self._asked[place]:
                del self._asked[place]

    async def _ask(self, method: str, url: str, headers: Mapping[str, str] | None, content: bytes | None) -> Reply:
        told = {"Accept": "application/json", "User-Agent": "HarborGrid", **(headers or {})}
        timeout = {"connect": _SECONDS, "read": _SECONDS, "write": _SECONDS, "pool": _SECONDS}
        try:
            async with (
                asyncio.timeout(_TOGETHER_SECONDS),
                self._pool.stream(
                    method, url, headers=list(told.items()), content=content, extensions={"timeout": timeout}
                ) as response,
            ):
                return Reply(response.status, await _whole(response))
        except (
            httpcore.NetworkError,
            httpcore.TimeoutException,
            httpcore.ProtocolError,
            httpcore.UnsupportedProtocol,
            TimeoutError,
            ssl.SSLError,
            OSError,
        ) as error:
            raise OutsideUnreachable(f"{type(error).__name__}: {error}"[:200]) from None
        except (ValueError, UnicodeError) as error:
            raise OutsideForbidden(f"it is no address: {error}"[:200]) from None

    async def close(self) -> None:
        """Let connections go."""
        await self._pool.aclose()


def _place(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError as error:
        raise OutsideForbidden(f"it is no address: {error}") from None


class _Guarded(httpcore.AsyncNetworkBackend):
    def __init__(self, *, private: bool) -> None:
        self._private, self._inner = private, httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - it is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        found = await asyncio.get_running_loop().getaddrinfo(host, port)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        allowed = [address for address in addresses if self._private or _is_public(address)]
        if not allowed:
            raise OutsideForbidden("it is inside our own network")
        return await self._inner.connect_tcp(allowed[0], port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


def _is_public(address: str) -> bool:
    parsed = ip_address(address.partition("%")[0])
    if parsed.version == 6 and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    leads_inside = parsed.version == 6 and any(parsed in network for network in _INSIDE_OUT)
    return parsed.is_global and not parsed.is_multicast and not leads_inside


async def _whole(response: httpcore.Response) -> bytes:
    parts, size = [], 0
    async for part in response.aiter_stream():
        size += len(part)
        if size > _MOST_BYTES:
            raise OutsideUnreachable("the answer is too long")
        parts.append(part)
    return b"".join(parts)
