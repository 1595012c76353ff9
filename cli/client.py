"""The API as the commands use it."""

from __future__ import annotations

import asyncio
from typing import Any, Self

import httpx


class ApiRefused(Exception):
    """The API said no; the message is its own, with its hint. details: what it is about, if it has answered."""

    def __init__(self, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.details = details or {}


class ApiClient:
    """A caller with an API key; answers come out of their envelope."""

    def __init__(self, url: str, api_key: str) -> None:
        self._http = httpx.AsyncClient(base_url=url, headers={"X-API-Key": api_key}, timeout=30)

    async def __aenter__(self) -> Self:
        """Open it."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self._http.aclose()

    async def get(self, path: str, **query: Any) -> Any:
        """Raises ApiRefused."""
        return await self._ask("GET", path, params={name: value for name, value in query.items() if value is not None})

    async def post(
        self, path: str, body: Any = None, *, key: str | None = None, query: dict[str, str] | None = None
    ) -> Any:
        """Raises ApiRefused."""
        headers = {"Idempotency-Key": key} if key else {}
        return await self._ask("POST", path, json={} if body is None else body, headers=headers, params=query)

    async def put(self, path: str, body: dict[str, Any]) -> Any:
        """Raises ApiRefused."""
        return await self._ask("PUT", path, json=body)

    async def _ask(self, method: str, path: str, **request: Any) -> Any:
        try:
            return _opened(await self._http.request(method, path, **request))
        except httpx.TransportError as error:
            raise ApiRefused(
                f"{self._http.base_url} does not answer ({error or type(error).__name__}). "
                "Start it with `make up`, or set HARBORGRID_API_PUBLIC_URL."
            ) from error

    async def onboard(self, body: dict[str, Any], *, key: str, told: Any = None) -> Any:
        """Request an onboarding and wait for its end; `told` is called with every view of it."""
        accepted = await self.post("/v1/workflow/onboardings", body, key=key)
        while True:
            view = await self.get(accepted["href"])
            if told:
                told(view)
            if view["status"] != "running":
                return view
            await asyncio.sleep(0.1)

    async def reveal_first_key(self, tenant_id: str) -> str | None:
        """The secret of the key that onboarding made; None if it was shown before."""
        keys = await self.get("/v1/security/api-keys", tenantId=tenant_id)
        unclaimed = [key["id"] for key in keys["items"] if key["status"] == "unclaimed"]
        if not unclaimed:
            return None
        revealed = await self.post(f"/v1/security/api-keys/{unclaimed[0]}/reveal")
        return str(revealed["secret"])


def _opened(answer: httpx.Response) -> Any:
    envelope = answer.json()
    if not envelope["success"]:
        error = envelope["error"]
        raise ApiRefused(f"{error['message']} ({error['code']}). {error['details'].get('hint', '')}", error["details"])
    return envelope["data"]
