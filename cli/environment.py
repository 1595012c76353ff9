"""The settings of a command: as given, and completed for the embedded servers in the data directory."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from adapters.postgres.embedded import APP, OWNER, EmbeddedPostgres
from adapters.settings import BadConfiguration, Settings, load_settings


def embedded_postgres(settings: Settings) -> EmbeddedPostgres:
    """The embedded server of this data directory."""
    return EmbeddedPostgres(
        directory=settings.data_dir.resolve() / "postgres",
        port=settings.postgres_port,
        secrets_dir=settings.secrets_dir.resolve(),
    )


def uses_embedded_postgres(settings: Settings) -> bool:
    """Whether no other PostgreSQL was named."""
    return not settings.postgres_dsn.get_secret_value()


def complete_settings(*, owner: bool = True) -> Settings:
    """Settings with a way into the database, the owner's too unless told otherwise.

    Raises BadConfiguration if neither the DSNs nor an embedded server are there.
    """
    settings = load_settings()
    if not uses_embedded_postgres(settings):
        if owner and not settings.postgres_owner_dsn.get_secret_value():
            raise BadConfiguration("HARBORGRID_POSTGRES_OWNER_DSN: set it together with HARBORGRID_POSTGRES_DSN")
        return settings
    server = embedded_postgres(settings)
    if not (server.directory / "PG_VERSION").exists():
        raise BadConfiguration(
            f"HARBORGRID_POSTGRES_DSN: not set, and {server.directory} holds no embedded server; run `make up` first"
        )
    return with_embedded(settings, server)


def with_embedded(settings: Settings, server: EmbeddedPostgres) -> Settings:
    """These settings, pointing at the embedded server."""
    return settings.model_copy(
        update={
            "postgres_dsn": SecretStr(server.dsn(APP)),
            "postgres_owner_dsn": SecretStr(server.dsn(OWNER)),
        }
    )


def operator_key_path(settings: Settings) -> Path:
    """Where `harborgrid up` keeps the operator's API key."""
    return settings.secrets_dir / "operator-api-key.txt"


def with_payment_simulator(settings: Settings) -> Settings:
    """These settings, collecting at the payment simulator where no other place was named."""
    simulator = f"http://127.0.0.1:{settings.payment_simulator_port}"
    places = {"stripe_api_url": simulator, "paypal_api_url": f"{simulator}/paypal"}
    named = settings.model_fields_set
    return settings.model_copy(update={name: url for name, url in places.items() if name not in named})
