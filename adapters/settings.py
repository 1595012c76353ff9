"""Every setting of the product: an environment variable `HARBORGRID_<NAME>`, documented in docs/settings.md."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, IPvAnyNetwork, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class EventTransportKind(StrEnum):
    """How committed events reach the dispatcher."""

    POSTGRES = "postgres"
    NATS = "nats"


class LogFormat(StrEnum):
    """How log lines look."""

    JSON = "json"
    CONSOLE = "console"


class BadConfiguration(Exception):
    """A setting is missing or wrong; the message names it and says what it should be."""


class Settings(BaseSettings):
    """Read from the environment (prefix `HARBORGRID_`) once, at start."""

    model_config = SettingsConfigDict(env_prefix="HARBORGRID_", frozen=True, extra="ignore", env_ignore_empty=True)

    data_dir: Path = Field(
        default=Path(".harborgrid"), description="Folder of the embedded servers' data, secrets, lake files and logs."
    )
    postgres_dsn: SecretStr = Field(
        default=SecretStr(""),
        description="PostgreSQL DSN of the application's login role `harborgrid_app`. "
        "`harborgrid up` sets it for the embedded server.",
    )
    postgres_owner_dsn: SecretStr = Field(
        default=SecretStr(""),
        description="PostgreSQL DSN of the role `harborgrid_owner`, which migrates and creates tenants' schemas.",
    )
    postgres_pool_size: int = Field(default=12, ge=6, le=200, description="Database connections per process, at most.")
    postgres_port: int = Field(default=5439, ge=1, le=65535, description="Port of the embedded PostgreSQL.")
    temporal_address: str = Field(default="127.0.0.1:7233", description="host:port of the Temporal frontend.")
    temporal_namespace: str = Field(default="harborgrid", description="Temporal namespace of all workflows.")
    temporal_ui_url: str = Field(default="http://127.0.0.1:8233", description="Where operators open the Temporal UI.")
    temporal_api_key: SecretStr = Field(
        default=SecretStr(""), description="API key for Temporal Cloud; also turns TLS on. Empty: neither."
    )
    task_queue: str = Field(
        default="harborgrid", description="Temporal task queue that this deployment's workers serve."
    )
    worker_max_activities: int = Field(
        default=40, ge=1, le=1000, description="Activities one worker runs at once, at most."
    )
    worker_shutdown_grace_seconds: float = Field(
        default=10.0, ge=0, le=600, description="How long a stopping worker lets running activities finish."
    )
    spare_schemas: int = Field(
        default=4,
        ge=0,
        le=100,
        description="How many tenants may come at once without waiting for tables to be made: so many schemas and lake "
        "catalogues are kept prepared.",
    )
    country_header: str = Field(
        default="",
        description="Request header with the caller's country (ISO 3166-1 alpha-2), for access policies. Name one only "
        "if a proxy in front of every process sets or removes it. Empty: policies know no country.",
    )
    session_idle_minutes: int = Field(
        default=60, ge=5, le=43_200, description="A session that is not used for so long ends."
    )
    session_hours: int = Field(default=12, ge=1, le=8_760, description="A session ends after so long, however busy.")
    invitation_days: int = Field(default=7, ge=1, le=90, description="How long the link of an invitation works.")
    password_reset_minutes: int = Field(
        default=60, ge=5, le=1_440, description="How long a link to set a new password works."
    )
    account_url: str = Field(
        default="",
        description="Page that takes mailed links, which add `#<token>` to it. Empty: the API's own, "
        "`<HARBORGRID_API_PUBLIC_URL>/account`.",
    )
    client_address_header: str = Field(
        default="",
        description="Request header whose last entry is the caller's IP address, such as `X-Forwarded-For`: for access "
        "policies, and for the waits of who guesses passwords. Name one only if a proxy in front of every process sets "
        "it. Empty: the address of whoever connects.",
    )
    trusted_proxies: Annotated[tuple[IPvAnyNetwork, ...], NoDecode] = Field(
        default=(),
        description="Networks of the proxies in front of every process, such as `10.0.0.0/8,fd00::/8`. If any are "
        "named, headers that tell of the caller's address, country or certificate are believed from them alone.",
    )
    client_certificate_header: str = Field(
        default="",
        description="Request header in which a trusted proxy tells the client's certificate: `Client-Cert` (RFC 9440), "
        "or one with PEM escaped as in a URL. It needs `HARBORGRID_TRUSTED_PROXIES`. Empty: none.",
    )
    tls_certificate_file: Path | None = Field(
        default=None,
        description="PEM of the API's own certificate, with its issuers. With the key, the API speaks TLS.",
    )
    tls_key_file: Path | None = Field(default=None, description="PEM of the key that goes with it.")
    tls_client_ca_file: Path | None = Field(
        default=None,
        description="PEM of the authorities whose client certificates the API's TLS accepts; clients may have none.",
    )
    outside_private: bool = Field(
        default=False,
        description="Whether places that tenants name, such as identity providers, may be in private networks and "
        "without TLS. For trials on one machine.",
    )
    audit_seal_seconds: float = Field(
        default=60.0, ge=1, le=86_400, description="How often the audit trail is sealed and checkpoints are signed."
    )
    threat_scan_seconds: float = Field(
        default=15.0, ge=1, le=3_600, description="How often detection rules look at what was recorded since."
    )
    advisories: str = Field(
        default="",
        description="Where known vulnerabilities are looked up: URL of a server with OSV's API, such as "
        "`https://api.osv.dev`, or a file, folder or ZIP archive of OSV records. Empty: the folder "
        "`<data_dir>/advisories`.",
    )
    dependency_scan_hours: float = Field(
        default=24.0, gt=0, le=8_760, description="How often our own dependencies are looked up there."
    )
    evidence_collection_hours: float = Field(
        default=24.0, gt=0, le=48, description="How often evidence of every control is collected."
    )
    stripe_api_url: str = Field(
        default="https://api.stripe.com",
        description="Where Stripe is. `harborgrid up` runs a simulator that speaks its wire format and names it here, "
        "unless this is set.",
    )
    paypal_api_url: str = Field(
        default="https://api-m.paypal.com",
        description="Where PayPal is; `https://api-m.sandbox.paypal.com` for trials. `harborgrid up` names its "
        "simulator here, unless this is set.",
    )
    payment_simulator_port: int = Field(
        default=8480, ge=1, le=65535, description="Port of the simulated payment provider that `harborgrid up` runs."
    )
    workflow_sandbox: bool = Field(
        default=False,
        description="Run workflow code in the sandbox that refuses non-deterministic calls, as the replay tests do; it "
        "halves what a worker gets done.",
    )
    large_payload_bytes: int = Field(
        default=128 * 1024,
        ge=1024,
        description="Larger workflow payloads go to object storage instead of history.",
    )
    object_store_dir: Path | None = Field(
        default=None, description="Folder of offloaded payloads, shared by all processes; default `<data_dir>/objects`."
    )
    master_key_file: Path | None = Field(
        default=None,
        description="File with 256-bit master keys in base64, a line each: the last wraps, all of them unwrap. "
        "Default `<data_dir>/secrets/master.key`.",
    )
    kms_key: str = Field(
        default="",
        description="ARN of the AWS KMS key that is the master key instead. The file is then "
        "read only for what it wrapped before.",
    )
    kms_endpoint: str = Field(default="", description="URL of AWS KMS. Empty: that of the key's region.")
    lake_dir: Path | None = Field(
        default=None, description="Folder of the tenants' lake files; default `<data_dir>/lake`."
    )
    api_host: str = Field(default="127.0.0.1", description="Address the API listens on.")
    api_port: int = Field(default=8080, ge=1, le=65535, description="Port the API listens on.")
    api_public_url: str = Field(default="http://127.0.0.1:8080", description="Where callers reach the API.")
    api_max_body_bytes: int = Field(default=1_048_576, ge=1024, description="Largest request body accepted, in bytes.")
    worker_metrics_port: int = Field(
        default=9464, ge=0, le=65535, description="Port of the worker's Prometheus metrics."
    )
    worker_sdk_metrics_port: int = Field(
        default=9465, ge=0, le=65535, description="Port of the Temporal SDK's own Prometheus metrics; 0 turns them off."
    )
    event_transport: EventTransportKind = Field(
        default=EventTransportKind.POSTGRES, description="How events reach the dispatcher: `postgres` or `nats`."
    )
    nats_url: str = Field(
        default="nats://127.0.0.1:4222", description="NATS server with JetStream, when the transport is `nats`."
    )
    smtp_host: str = Field(default="127.0.0.1", description="SMTP server for outgoing mail.")
    smtp_port: int = Field(
        default=2525, ge=1, le=65535, description="Port of the SMTP server, and of the embedded mail catcher."
    )
    smtp_username: str = Field(default="", description="SMTP user; empty: no authentication.")
    smtp_password: SecretStr = Field(default=SecretStr(""), description="SMTP password.")
    smtp_starttls: bool = Field(default=False, description="Demand STARTTLS from the SMTP server.")
    mail_from: str = Field(default="HarborGrid <welcome@harborgrid.example>", description="Sender of outgoing mail.")
    mailbox_port: int = Field(
        default=8025, ge=1, le=65535, description="Port of the embedded mail catcher's mailbox page."
    )
    temporal_port: int = Field(default=7233, ge=1, le=65535, description="Port of the embedded Temporal server.")
    temporal_ui_port: int = Field(default=8233, ge=1, le=65535, description="Port of the embedded Temporal UI.")
    otlp_endpoint: str = Field(
        default="",
        description="OTLP/HTTP endpoint for traces, for example `http://127.0.0.1:4318`. Empty: no spans are recorded.",
    )
    trace_sample_ratio: float = Field(
        default=1.0, ge=0, le=1, description="Share of new traces that are recorded when OTLP is on."
    )
    log_level: str = Field(
        default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least severe log line written."
    )
    log_format: LogFormat = Field(default=LogFormat.JSON, description="`json` for machines, `console` for people.")

    @property
    def secrets_dir(self) -> Path:
        """Folder of generated secrets, readable by the owner only."""
        return self.data_dir / "secrets"

    @property
    def master_key_path(self) -> Path:
        """Where the master key is."""
        return self.master_key_file or self.secrets_dir / "master.key"

    @property
    def objects_path(self) -> Path:
        """Where offloaded payloads are."""
        return self.object_store_dir or self.data_dir / "objects"

    @property
    def answered_path(self) -> Path:
        """Where requests wait to be announced to tenants that meter them; of this machine alone."""
        return self.data_dir / "answered"

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _networks(cls, told: object) -> object:
        return [each for each in told.replace(",", " ").split() if each] if isinstance(told, str) else told

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.client_certificate_header and not self.trusted_proxies:
            raise ValueError("HARBORGRID_CLIENT_CERTIFICATE_HEADER needs HARBORGRID_TRUSTED_PROXIES")
        if (self.tls_certificate_file is None) != (self.tls_key_file is None):
            raise ValueError("HARBORGRID_TLS_CERTIFICATE_FILE and HARBORGRID_TLS_KEY_FILE go together")
        if self.tls_client_ca_file is not None and self.tls_certificate_file is None:
            raise ValueError("HARBORGRID_TLS_CLIENT_CA_FILE needs HARBORGRID_TLS_CERTIFICATE_FILE")
        return self

    @property
    def advisories_path(self) -> Path:
        """Where advisories are, unless the setting names a place."""
        return self.data_dir / "advisories"

    @property
    def issuer(self) -> str:
        """Who we are to applications (RFC 8414): where callers reach the API."""
        return self.api_public_url.rstrip("/")

    @property
    def account_page(self) -> str:
        """Where mailed links lead."""
        return self.account_url or f"{self.api_public_url.rstrip('/')}/account"

    @property
    def lake_path(self) -> Path:
        """Where the lake's files are."""
        return self.lake_dir or self.data_dir / "lake"


def load_settings() -> Settings:
    """The settings of this process. Raises BadConfiguration with the name of each wrong variable."""
    try:
        return Settings()
    except ValidationError as error:
        lines = [
            f"HARBORGRID_{str(problem['loc'][0]).upper()}: {problem['msg']} (got {problem['input']!r})"
            if problem["loc"]
            else str(problem["ctx"]["error"])
            for problem in error.errors()
        ]
        raise BadConfiguration("\n".join(lines)) from None
