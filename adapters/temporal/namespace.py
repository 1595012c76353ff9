"""The namespace and its search attributes, registered as often as one likes."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog
from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from adapters.settings import Settings
from adapters.temporal.plugin import SEARCH_ATTRIBUTES

log = structlog.get_logger(__name__)
_RETENTION = Duration(seconds=30 * 24 * 3600)


async def ensure_namespace(settings: Settings, stop: asyncio.Event) -> None:
    """Wait for Temporal until it answers (or `stop`), then register what is missing."""
    pause = 0.1
    while not stop.is_set():
        try:
            client = await Client.connect(
                settings.temporal_address,
                namespace=settings.temporal_namespace,
                api_key=settings.temporal_api_key.get_secret_value() or None,
                tls=bool(settings.temporal_api_key.get_secret_value()),
            )
            await _register(client, settings.temporal_namespace)
        except (RPCError, RuntimeError) as error:
            log.info("temporal.awaited", address=settings.temporal_address, reason=str(error)[:200])
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 3.0)
        else:
            return


async def _register(client: Client, namespace: str) -> None:
    try:
        await client.workflow_service.register_namespace(
            RegisterNamespaceRequest(namespace=namespace, workflow_execution_retention_period=_RETENTION)
        )
    except RPCError as error:
        # Temporal Cloud's namespaces are made elsewhere.
        if error.status not in (
            RPCStatusCode.ALREADY_EXISTS,
            RPCStatusCode.PERMISSION_DENIED,
            RPCStatusCode.UNIMPLEMENTED,
        ):
            raise
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=namespace), timeout=timedelta(seconds=5)
    )
    missing = [key.name for key in SEARCH_ATTRIBUTES if key.name not in known.custom_attributes]
    if missing:
        keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=namespace, search_attributes=dict.fromkeys(missing, keyword))
        )
        log.info("temporal.search_attributes_added", names=missing)
