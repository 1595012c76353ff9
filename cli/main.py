"""The `harborgrid` command. Each command imports what it needs, so that none waits for the others'."""

# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.audit import app as audit_app
from cli.events import app as events_app

app = typer.Typer(name="harborgrid", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(audit_app, name="audit", help="Check the audit trail, and keep what proves it.")
app.add_typer(events_app, name="events", help="Look at events, trace a story, replay a projection, see parked events.")

ApiKey = Annotated[
    str, typer.Option(envvar="HARBORGRID_API_KEY", help="Default: the operator's key of this data directory.")
]


@app.command()
def up() -> None:
    """Start the whole platform with embedded servers and a demo tenant; Ctrl-C stops it."""
    from cli.up import main as run

    raise typer.Exit(run())


@app.command()
def api() -> None:
    """Serve the HTTP API."""
    from api.server import main as serve
    from cli.environment import complete_settings

    serve(complete_settings(owner=False))


@app.command()
def worker() -> None:
    """Run workflows and activities, and relay events."""
    from cli.environment import complete_settings
    from worker.main import main as work

    work(complete_settings())


@app.command()
def mailbox() -> None:
    """Serve the mail catcher: SMTP on one port, a page that shows the mail on another."""
    import asyncio

    from adapters.notifications.mailbox import serve_mailbox
    from adapters.settings import load_settings
    from adapters.telemetry.logs import configure_logs

    settings = load_settings()
    configure_logs(settings)
    asyncio.run(
        serve_mailbox(
            settings.data_dir / "mail",
            host=settings.smtp_host,
            smtp_port=settings.smtp_port,
            page_port=settings.mailbox_port,
        )
    )


@app.command("payment-simulator")
def payment_simulator() -> None:
    """Serve payment providers to try everything with: they speak Stripe's wire format, and fail when told to."""
    import asyncio

    from adapters.billing.simulator.app import serve_simulator
    from adapters.settings import load_settings
    from adapters.telemetry.logs import configure_logs

    settings = load_settings()
    configure_logs(settings)
    path = settings.data_dir / "payment-simulator.sqlite"
    asyncio.run(serve_simulator(path, host="127.0.0.1", port=settings.payment_simulator_port))


@app.command()
def migrate() -> None:
    """Bring the platform's schema to the newest revision. Tenants follow: POST /v1/security/tenant-migrations."""
    import asyncio

    from adapters.bootstrap import migrate_platform
    from cli.environment import complete_settings

    revision = asyncio.run(migrate_platform(complete_settings().postgres_owner_dsn.get_secret_value()))
    typer.echo(f"schema platform is at revision {revision}")


@app.command("operator-key")
def operator_key(label: Annotated[str, typer.Option(help="What the key is for.")] = "operator") -> None:
    """Make an API key for the platform's operator and print it, this once."""
    import asyncio

    from cli.environment import complete_settings
    from cli.operator import make_operator_key

    typer.echo(asyncio.run(make_operator_key(complete_settings(owner=False), label)))


@app.command()
def onboard(  # noqa: PLR0913, PLR0917 - what an organisation is
    organisation: Annotated[str, typer.Argument(help="Name of the organisation.")],
    owner_email: Annotated[str, typer.Option(help="Where the welcome mail goes.")],
    owner_name: Annotated[str, typer.Option(help="Name of the owner.")],
    plan: Annotated[str, typer.Option(help="Plan code.")] = "free",
    locale: Annotated[str, typer.Option(help="BCP 47 language tag.")] = "en",
    timezone: Annotated[str, typer.Option(help="IANA time zone.")] = "UTC",
    url: Annotated[str, typer.Option(help="Where the API is; default HARBORGRID_API_PUBLIC_URL.")] = "",
    api_key: ApiKey = "",
) -> None:
    """Onboard an organisation through the real saga, and show its first API key once."""
    from cli.onboard import main as run

    body = {
        "organisation": organisation,
        "ownerName": owner_name,
        "ownerEmail": owner_email,
        "planCode": plan,
        "locale": locale,
        "timezone": timezone,
    }
    raise typer.Exit(run(body, url, api_key))


@app.command()
def sql(
    statement: Annotated[str, typer.Argument(help="One statement; without it a shell opens (or stdin is read).")] = "",
    tenant: Annotated[str, typer.Option(help="Id of the tenant whose lake to ask.")] = "",
) -> None:
    """Ask a tenant's lake in DuckDB, read-only."""
    from cli.sql import main as run

    raise typer.Exit(run(tenant, statement))


@app.command()
def simulate(
    months: Annotated[int, typer.Option(min=1, max=24, help="How long they live.")] = 12,
    customers: Annotated[int, typer.Option(min=1, max=10_000, help="How many there are.")] = 10,
    seed: Annotated[int, typer.Option(help="The same seed is the same story.")] = 1,
    url: Annotated[str, typer.Option(help="Where the API is; default HARBORGRID_API_PUBLIC_URL.")] = "",
    api_key: ApiKey = "",
) -> None:
    """Let customers of a new tenant live for months in a minute, on the real processes; then audit the books."""
    from cli.simulate import main as run

    raise typer.Exit(run(months, customers, seed, url, api_key))


@app.command("import-usage")
def import_usage(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Parquet, CSV or NDJSON.")],
    source: Annotated[str, typer.Option(help="For events without a column `source`.")] = "",
    type_: Annotated[str, typer.Option("--type", help="For events without a column `type`.")] = "",
    subject: Annotated[str, typer.Option(help="For events without a column `subject`.")] = "",
    tenant: Annotated[str, typer.Option(help="Whose usage it is, if the key is an operator's.")] = "",
    url: Annotated[str, typer.Option(help="Where the API is; default HARBORGRID_API_PUBLIC_URL.")] = "",
    api_key: ApiKey = "",
) -> None:
    """Report a file of usage, however large; importing it again counts nothing twice."""
    from cli.import_usage import main as run

    raise typer.Exit(run(file, {"source": source, "type": type_, "subject": subject}, tenant, url, api_key))


@app.command()
def doctor() -> None:
    """Check every dependency and setting, and print what to do about what is wrong."""
    from cli.doctor import main as run

    raise typer.Exit(run())


@app.command()
def docs() -> None:
    """Write the generated documents: event schemas, AsyncAPI, settings, module map."""
    from cli.documents import main as run

    run()


def main() -> None:
    """Run it; what is wrong with the configuration is said in a sentence, not in a traceback."""
    from adapters.kernel.memory import load_at_ease

    load_at_ease()
    from adapters.postgres.embedded import NewerDataDirectory
    from adapters.postgres.migrations import NewerSchema
    from adapters.settings import BadConfiguration
    from cli.client import ApiRefused
    from cli.supervisor import ServiceFailed
    from domain.kernel.errors import HarborGridError

    try:
        app()
    except (BadConfiguration, NewerDataDirectory, NewerSchema, ServiceFailed, ApiRefused) as told:
        typer.secho(str(told), fg="red", err=True)
        sys.exit(2)
    except HarborGridError as error:
        typer.secho(f"{error.message} ({error.code}). {error.hint}", fg="red", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
