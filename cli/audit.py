"""`harborgrid audit`: check the audit trail straight in the database, and keep what proves it."""

# ruff: noqa: PLC0415 - each command imports what it needs, so that the others do not wait for it

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from domain.kernel.ids import TenantId


def _tenant(text: str) -> str:
    if text:
        try:
            TenantId.parse(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    return text


app = typer.Typer(no_args_is_help=True)
Tenant = Annotated[
    str, typer.Option(help="Id of the tenant; without it the platform's own log is meant.", callback=_tenant)
]


@app.command()
def verify(
    tenant: Tenant = "",
    note: Annotated[
        list[Path], typer.Option(help="A checkpoint that was kept elsewhere; repeat for several.", exists=True)
    ] = [],  # noqa: B006
    key: Annotated[str, typer.Option(help="Verifier key that was kept elsewhere; default: this platform's.")] = "",
) -> None:
    """Compare every record with its place in the log, and the log with its checkpoints. Ends with 1 if one is wrong."""
    from cli.audit_log import verify as run

    raise typer.Exit(run(tenant, [path.read_text() for path in note], key))


@app.command()
def checkpoint(tenant: Tenant = "") -> None:
    """Print the newest checkpoint. Keep it where this machine cannot reach it."""
    from cli.audit_log import newest_checkpoint

    typer.echo(newest_checkpoint(tenant), nl=False)


@app.command()
def key() -> None:
    """Print the verifier key of the checkpoints. Keep it with them."""
    from cli.audit_log import verifier_key

    typer.echo(verifier_key().text)
