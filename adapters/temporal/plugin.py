"""The platform as one Temporal plugin: converter, codec, offloading, interceptors, sandbox."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from datetime import timedelta
from typing import Self

from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import (
    ActivitySerializationContext,
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    ExternalStorage,
    SerializationContext,
    WorkflowSerializationContext,
)
from temporalio.plugin import SimplePlugin
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from adapters.settings import Settings
from adapters.temporal.codec import TenantCodec, owner_of
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


_OWNERS = 1000


@dataclasses.dataclass(frozen=True)
class TenantConverter(DataConverter):
    """Makes one converter for each tenant, where the SDK makes one for each payload, a few times over."""

    _of_owner: OrderedDict[str, Self] = dataclasses.field(default_factory=OrderedDict, init=False, repr=False)

    def with_context(self, context: SerializationContext) -> Self:
        """The converter of the tenant that owns the workflow: of the context, nothing else matters to our codec."""
        if not isinstance(context, WorkflowSerializationContext | ActivitySerializationContext):
            return super().with_context(context)
        owner = owner_of(context.workflow_id)
        known = self._of_owner.get(owner)
        if known is None:
            known = self._of_owner[owner] = super().with_context(context)
            if len(self._of_owner) > _OWNERS:
                self._of_owner.popitem(last=False)
        return known


def converter(settings: Settings, keys: KeyRing) -> DataConverter:
    """Pydantic JSON, encrypted per tenant, large ones offloaded. Failures' messages are encrypted as well."""
    return TenantConverter(
        payload_converter_class=pydantic_data_converter.payload_converter_class,
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
