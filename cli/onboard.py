"""`harborgrid onboard`: the saga, step by step, as a person watches it."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from adapters.settings import BadConfiguration, load_settings
from cli.client import ApiClient
from cli.environment import operator_key_path


def main(body: dict[str, Any], url: str, api_key: str) -> int:
    """The command. Returns the exit code: 1 if the onboarding was undone."""
    settings = load_settings()
    return asyncio.run(_onboard(body, url or settings.api_public_url, api_key or stored_key()))


def stored_key() -> str:
    """The operator's key of this data directory. Raises BadConfiguration."""
    path = operator_key_path(load_settings())
    if not path.exists():
        raise BadConfiguration(f"HARBORGRID_API_KEY: not set, and there is no {path}; run `make up`, or pass --api-key")
    return path.read_text().strip()


async def _onboard(body: dict[str, Any], url: str, api_key: str) -> int:
    console = Console()
    async with ApiClient(url, api_key) as api:
        with Progress(BarColumn(), TextColumn("{task.description}"), console=console) as progress:
            bar = progress.add_task("accepted", total=4)

            def told(view: Any) -> None:
                done = sum(step["state"] == "done" for step in view["steps"])
                progress.update(bar, completed=done, description=view["next"])

            view = await api.onboard(body, key=f"cli-{uuid.uuid4()}", told=told)  # noqa: TID251 - a fresh request
        if view["status"] != "completed":
            console.print(f"[red]undone[/red]: {view['errorReason']} ({view['errorCode']})")
            return 1
        console.print(f"tenant  {view['tenantId']}")
        console.print(f"API key {await api.reveal_first_key(view['tenantId'])}  (shown once)", soft_wrap=True)
    return 0
