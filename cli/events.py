"""`harborgrid events`: the event bus from the terminal."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.tree import Tree

from adapters.settings import load_settings
from cli.client import ApiClient
from cli.onboard import stored_key

app = typer.Typer(no_args_is_help=True)
Tenant = Annotated[
    str, typer.Option(help="Id of the tenant; needed with the operator's key where one tenant is meant.")
]
ApiKey = Annotated[str, typer.Option(envvar="HARBORGRID_API_KEY", help="Default: the operator's key.")]


@app.command()
def tail(
    tenant: Tenant = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as events happen.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=200)] = 20,
    api_key: ApiKey = "",
) -> None:
    """Print the latest events, one JSON object a line, oldest first."""
    asyncio.run(_tail(tenant, follow, lines, api_key))


@app.command()
def trace(correlation_id: str, api_key: ApiKey = "") -> None:
    """Show a story as a tree: event, workflow, activity, event."""
    asyncio.run(_trace(correlation_id, api_key))


@app.command()
def replay(
    subscription: str,
    tenant: Tenant,
    swap: Annotated[bool, typer.Option(help="Replace the live projection if the replay differs.")] = False,
    api_key: ApiKey = "",
) -> None:
    """Replay a tenant's events into a shadow of a projection and compare it with the live one."""
    raise typer.Exit(asyncio.run(_replay(subscription, tenant, swap, api_key)))


@app.command()
def park(
    redeliver: Annotated[str, typer.Option(help="Id of a parked event to deliver again.")] = "",
    tenant: Tenant = "",
    api_key: ApiKey = "",
) -> None:
    """List parked events with their reasons, or deliver one again."""
    asyncio.run(_park(redeliver, tenant, api_key))


def _client(api_key: str) -> ApiClient:
    return ApiClient(load_settings().api_public_url, api_key or stored_key())


async def _tail(tenant: str, follow: bool, lines: int, api_key: str) -> None:
    seen: set[str] = set()
    async with _client(api_key) as api:
        while True:
            page = await api.get("/v1/bus/events", tenantId=tenant or None, limit=200 if seen else lines)
            for event in reversed(page["items"]):
                if event["id"] not in seen:
                    typer.echo(json.dumps(event, ensure_ascii=False))
                    seen.add(event["id"])
            if not follow:
                return
            await asyncio.sleep(0.5)


async def _trace(correlation_id: str, api_key: str) -> None:
    async with _client(api_key) as api:
        story = await api.get(f"/v1/bus/traces/{correlation_id}")
    tree = Tree(f"[bold]{correlation_id}[/bold]" + ("" if story["complete"] else " (workflows unavailable)"))
    for root in story["roots"]:
        _grow(tree, root)
    Console().print(tree)


def _grow(tree: Tree, node: dict[str, Any]) -> None:
    tries = f", {node['attempts']} attempts" if node["attempts"] > 1 else ""
    branch = tree.add(f"{node['kind']} [cyan]{node['name']}[/cyan] {node['status']}{tries}  [dim]{node['at']}[/dim]")
    for caused in node["caused"]:
        _grow(branch, caused)


async def _replay(subscription: str, tenant: str, swap: bool, api_key: str) -> int:
    console = Console()
    async with _client(api_key) as api:
        started = await api.post(f"/v1/bus/subscriptions/{subscription}/rebuilds?tenantId={tenant}", {"swap": swap})
        with console.status("replaying"):
            while True:
                view = await api.get(started["href"], tenantId=tenant)
                if view["status"] != "running":
                    break
                await asyncio.sleep(0.2)
    report = view["report"]
    if report is None:
        console.print(f"[red]{view['status']}[/red]: look at workflow {started['workflowId']}")
        return 1
    console.print(
        f"{report['events']} events replayed, {report['liveRows']} live rows, {report['shadowRows']} replayed"
    )
    for difference in report["differences"]:
        console.print(difference, style="red")
    verdict = "equal" if report["equal"] else "different, and swapped" if report["swapped"] else "different"
    console.print(verdict, style="green" if report["equal"] else "red")
    return 0 if report["equal"] or report["swapped"] else 1


async def _park(redeliver: str, tenant: str, api_key: str) -> None:
    async with _client(api_key) as api:
        if redeliver:
            parked = await api.post(f"/v1/bus/parked/{redeliver}/redeliver")
            typer.echo(f"{parked['event']['id']} is delivered to {parked['subscription']} again")
            return
        page = await api.get("/v1/bus/parked", tenantId=tenant or None)
    table = Table("id", "subscription", "event", "subject", "attempts", "reason")
    for item in page["items"]:
        event = item["event"]
        table.add_row(
            item["id"],
            item["subscription"],
            event["type"],
            item["subject"],
            str(item["attempts"]),
            f"{item['code']}: {item['reason']}",
        )
    Console().print(table if page["items"] else "nothing is parked")
