"""The platform as one Temporal plugin: converter, codec, offloading, interceptors, sandbox."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes, ExternalStorage
from temporalio.plugin import SimplePlugin
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from adapters.settings import Settings
from adapters.temporal.codec import TenantCodec
from adapters.temporal.interceptors import ActivityInterceptor, StartInterceptor
from adapters.temporal.storage import FolderStorage
from domain.security.ports import KeyRing
from workflows.context import ContextInterceptor

TENANT_ID = SearchAttributeKey.for_keyword("TenantId")
MODULE = SearchAttributeKey.for_keyword("Module")
BUSINESS_KEY = SearchAttributeKey.for_keyword("BusinessKey")
CORRELATION_ID = SearchAttributeKey.for_keyword("CorrelationId")
CAUSATION_ID = SearchAttributeKey.for_keyword("CausationId")
SEARCH_ATTRIBUTES = (TENANT_ID, MODULE, BUSINESS_KEY, CORRELATION_ID, CAUSATION_ID)

# Loaded once outside the sandbox: deterministic by lint (no clock, no randomness), and slow to load per run.
_PASS_THROUGH = ("domain", "activities", "pydantic", "pydantic_core", "cryptography", "iso4217", "combustache")


def converter(settings: Settings, keys: KeyRing) -> DataConverter:
    """Pydantic JSON, encrypted per tenant, large ones offloaded. Failures' messages are encrypted as well."""
    return dataclasses.replace(
        pydantic_data_converter,
        payload_codec=TenantCodec(keys),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
        external_storage=ExternalStorage(
            drivers=[FolderStorage(settings.objects_path)], payload_size_threshold=settings.large_payload_bytes
        ),
    )


def platform_plugin(settings: Settings, keys: KeyRing) -> SimplePlugin:
    """What every client, worker and replayer of the platform has in common."""
    return SimplePlugin(
        "harborgrid",
        data_converter=converter(settings, keys),
        interceptors=[StartInterceptor(), ContextInterceptor(), ActivityInterceptor()],
        workflow_runner=lambda _: runner(sandbox=settings.workflow_sandbox),
    )


def runner(*, sandbox: bool) -> WorkflowRunner:
    """How workflow code is run."""
    if not sandbox:
        return UnsandboxedWorkflowRunner()
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*_PASS_THROUGH))


async def connect(settings: Settings, keys: KeyRing, *, runtime: Runtime | None = None, lazy: bool = False) -> Client:
    """A client with the platform's plugin. `lazy` connects on first use, so Temporal may still be down."""
    return await Client.connect(
        settings.temporal_address,
        namespace=settings.temporal_namespace,
        api_key=settings.temporal_api_key.get_secret_value() or None,
        tls=bool(settings.temporal_api_key.get_secret_value()),
        plugins=[platform_plugin(settings, keys)],
        runtime=runtime,
        lazy=lazy,
    )


def metrics_runtime(settings: Settings) -> Runtime | None:
    """A runtime that serves the SDK's own metrics, unless they are turned off."""
    if not settings.worker_sdk_metrics_port:
        return None
    return Runtime(
        telemetry=TelemetryConfig(
            metrics=PrometheusConfig(
                bind_address=f"0.0.0.0:{settings.worker_sdk_metrics_port}",
                durations_as_seconds=True,
                counters_total_suffix=True,
            )
        ),
        worker_heartbeat_interval=timedelta(seconds=30),
    )
