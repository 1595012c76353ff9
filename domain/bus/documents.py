"""The event catalogue for readers outside: JSON Schema 2020-12, CloudEvents 1.0 and AsyncAPI 3.0."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from pydantic_core import CoreSchema

from domain.bus.catalogue import Catalogue
from domain.bus.event import Event, EventType, RecordedEvent, Version

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ENVELOPE_VERSION = "1.0.0"
_COMPONENTS = "#/components/schemas/"

_AN_INSTANT = "2026-03-01T09:30:00Z"
_AN_ID = "01h455vb4pex5vsknk084sn02q"
_AN_AMOUNT = {"minor": 4900, "currency": "EUR"}


class _Schemas(GenerateJsonSchema):
    """As pydantic writes them, without a title on every field that repeats its name.

    `required` are the fields without a default: what a reader finds in every version of a major version.
    """

    def field_title_should_be_set(self, schema: CoreSchema | Any) -> bool:
        return False


def json_schema(cls: type[Event]) -> dict[str, Any]:
    """The JSON Schema of an event type's data, as it is recorded: camelCase, instants in RFC 3339."""
    schema = cls.model_json_schema(mode="serialization", schema_generator=_Schemas)
    urn = f"urn:harborgrid:event:{cls.about.type}:{cls.about.version}"
    return {"$schema": _DIALECT, "$id": urn, **schema, "examples": [example(cls)]}


def envelope_schema() -> dict[str, Any]:
    """The JSON Schema of a recorded event (the report's `EnterpriseEvent`), whatever its data."""
    schema = RecordedEvent.model_json_schema(mode="serialization", schema_generator=_Schemas)
    urn = f"urn:harborgrid:envelope:{_ENVELOPE_VERSION}"
    return {"$schema": _DIALECT, "$id": urn, **schema, "title": "EnterpriseEvent"}


def example(cls: type[Event]) -> dict[str, Any]:
    """Data of this event type that is valid and looks real, the same at every call."""
    schema = cls.model_json_schema(mode="serialization", schema_generator=_Schemas)
    found: dict[str, Any] = _example(schema, schema.get("$defs", {}))
    return found


def cloud_event(recorded: RecordedEvent) -> dict[str, Any]:
    """The event in CloudEvents 1.0 structured mode, for webhooks and foreign brokers.

    Extension attributes: correlation, authcontext, distributed tracing, partitioning and sequence of the
    CloudEvents project, plus `tenantid` and `requestid`. `sequence` compares as text in store order.
    Attributes without a value are left out.
    """
    tenant = recorded.tenant_id
    attributes = {
        "specversion": "1.0",
        "id": recorded.id,
        "type": f"com.harborgrid.{recorded.type}.v{Version.parse(recorded.version).major}",
        "source": f"/tenants/{tenant}/{recorded.source}" if tenant else f"/platform/{recorded.source}",
        "subject": recorded.subject,
        "time": recorded.model_dump(mode="json", include={"timestamp"})["timestamp"],
        "datacontenttype": "application/json",
        "dataschema": f"urn:harborgrid:event:{recorded.type}:{recorded.version}",
        "tenantid": tenant,
        "authtype": "user" if recorded.user_id else None,
        "authid": recorded.user_id,
        "correlationid": recorded.metadata.correlation_id,
        "causationid": recorded.metadata.causation_id,
        "requestid": recorded.metadata.request_id,
        "traceparent": recorded.metadata.traceparent,
        "partitionkey": f"{tenant or 'platform'}/{recorded.subject}",
        "sequence": f"{recorded.position.xid:020d}.{recorded.position.seq:020d}",
        "data": recorded.data,
    }
    return {name: value for name, value in attributes.items() if value is not None}


def asyncapi(catalogue: Catalogue, *, version: str, server_url: str) -> dict[str, Any]:
    """The catalogue as an AsyncAPI 3.0.0 document: a channel per event type, an operation per publisher and reader.

    version: of the product; server_url: of the broker, `<protocol>://<host>`.
    """
    server = urlsplit(server_url)
    classes = list(catalogue)
    return {
        "asyncapi": "3.0.0",
        "id": "urn:harborgrid:events",
        "info": {
            "title": "HarborGrid events",
            "version": version,
            "description": "What the modules announce to each other: at least once, in order per tenant and subject.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "broker": {"host": server.netloc, "protocol": server.scheme, "description": "Relays committed events."}
        },
        "channels": {cls.about.type: _channel(cls) for cls in classes},
        "operations": {name: operation for cls in classes for name, operation in _operations(cls)},
        "components": {
            "messages": {cls.__name__: _message(cls) for cls in classes},
            "schemas": _component_schemas(classes),
        },
    }


def _channel(cls: type[Event]) -> dict[str, Any]:
    about = cls.about
    return {
        "address": about.type,
        "title": cls.__name__,
        "summary": about.purpose,
        "servers": [{"$ref": "#/servers/broker"}],
        "messages": {cls.__name__: {"$ref": f"#/components/messages/{cls.__name__}"}},
        "tags": [{"name": about.source}],
        "x-producer": about.source,
        "x-consumers": list(about.consumers),
        "x-telemetry": about.telemetry,
    }


def _operations(cls: type[Event]) -> Iterable[tuple[str, dict[str, Any]]]:
    about = cls.about
    yield f"{about.source}.send.{about.type}", _operation(cls, "send", about.source)
    for consumer in about.consumers:
        yield f"{consumer}.receive.{about.type}", _operation(cls, "receive", consumer)


def _operation(cls: type[Event], action: str, module: str) -> dict[str, Any]:
    channel = f"#/channels/{cls.about.type}"
    verb = "publishes" if action == "send" else "reads"
    return {
        "action": action,
        "channel": {"$ref": channel},
        "summary": f"{module} {verb} {cls.about.type}.",
        "tags": [{"name": module}],
        "messages": [{"$ref": f"{channel}/messages/{cls.__name__}"}],
    }


def _message(cls: type[Event]) -> dict[str, Any]:
    about = cls.about
    return {
        "name": about.type,
        "title": cls.__name__,
        "summary": about.purpose,
        "contentType": "application/json",
        "correlationId": {"location": "$message.payload#/metadata/correlationId"},
        "payload": {"allOf": [{"$ref": f"{_COMPONENTS}EnterpriseEvent"}, _this_type(cls)]},
        "tags": [{"name": about.source}],
        "examples": [{"name": "typical", "payload": _recorded_example(cls)}],
        "x-version": about.version,
        "x-schema": f"urn:harborgrid:event:{about.type}:{about.version}",
    }


def _this_type(cls: type[Event]) -> dict[str, Any]:
    about = cls.about
    return {
        "type": "object",
        "properties": {
            "type": {"const": about.type},
            "version": {
                "type": "string",
                "pattern": rf"^{Version.parse(about.version).major}\.",
                "examples": [about.version],
            },
            "source": {"const": about.source},
            "data": {"$ref": f"{_COMPONENTS}{cls.__name__}"},
        },
    }


def _component_schemas(classes: list[type[Event]]) -> dict[str, Any]:
    models: list[type[BaseModel]] = [*classes, RecordedEvent]
    names, together = models_json_schema(
        [(model, "serialization") for model in models], ref_template=_COMPONENTS + "{model}", schema_generator=_Schemas
    )
    schemas = dict(together["$defs"])
    schemas["EnterpriseEvent"] = {**schemas.pop("RecordedEvent"), "title": "EnterpriseEvent"}
    # Two modules may use the same word; pydantic then writes both with their full path.
    ambiguous = [
        cls.__name__ for cls in classes if names[cls, "serialization"] != {"$ref": f"{_COMPONENTS}{cls.__name__}"}
    ]
    if ambiguous:
        raise ValueError(f"event classes must not share their name with another: {ambiguous}")
    return dict(sorted(schemas.items()))


def _recorded_example(cls: type[Event]) -> dict[str, Any]:
    about, found = cls.about, example(cls)
    return {
        "id": f"evt_{_AN_ID}",
        "type": about.type,
        "version": about.version,
        "timestamp": _AN_INSTANT,
        "source": about.source,
        "tenantId": f"ten_{_AN_ID}",
        "userId": f"usr_{_AN_ID}",
        "subject": found[_wire_name(cls, about)],
        "data": found,
        "metadata": {
            "correlationId": f"req_{_AN_ID}",
            "causationId": None,
            "requestId": f"req_{_AN_ID}",
            "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        },
    }


def _wire_name(cls: type[Event], about: EventType) -> str:
    return cls.model_fields[about.subject].serialization_alias or about.subject


def _example(schema: dict[str, Any], definitions: dict[str, Any]) -> Any:  # noqa: C901 - one line per kind of schema
    match schema:
        case {"examples": [first, *_]}:
            return first
        case {"default": usual}:
            return usual
        case {"$ref": reference}:
            name = reference.rpartition("/")[2]
            return _AN_AMOUNT if name == "Money" else _example(definitions[name], definitions)
        case {"const": only}:
            return only
        case {"enum": [first, *_]}:
            return first
        case {"anyOf": [first, *_]}:
            return _example(first, definitions)
        case {"type": "object", "properties": fields}:
            return {name: _example(field, definitions) for name, field in fields.items()}
        case {"type": "array", "items": item}:
            return [_example(item, definitions)] * max(1, schema.get("minItems", 1))
        case {"type": "string", "format": "date-time"}:
            return _AN_INSTANT
        case {"type": "string", "pattern": pattern} if is_id := re.match(r"\^([a-z]+)_\[", pattern):
            return f"{is_id[1]}_{_AN_ID}"
        case {"type": "integer" | "number"}:
            return schema.get("minimum", 1)
        case {"type": "boolean"}:
            return False
    raise ValueError(f"give this field an example: {schema}")
