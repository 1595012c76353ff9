"""Writes the generated documents: the event catalogue under `docs/events/`, every setting, the map of the code."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from adapters.settings import Settings
from cli.map import write_map
from domain.bus.documents import asyncapi, envelope_schema, json_schema
from domain.bus.event import Event
from domain.catalogue import CATALOGUE

_HEADING = """\
# Events

Everything the modules announce to each other. This page is written by `make docs` from the event classes in
`domain/*/events.py`; [asyncapi.json](asyncapi.json) is the same as an AsyncAPI 3.0 document.

Every event travels in one [envelope](schemas/envelope.json) (`id`, `type`, `version`, `timestamp`, `source`,
`tenantId`, `userId`, `subject`, `data`, `metadata`). It is delivered at least once, and in order within a tenant
and subject. Types marked with a wave (~) are high-volume telemetry and are only handled in batches.

The link behind a version is the JSON Schema of `data`. A released schema never changes: new words make a patch
version, new optional fields a minor one, everything else a major one with an upcaster. Ignore fields that you do
not know.

| Type | Version | Producer | Consumers | Purpose |
|---|---|---|---|---|
"""


class ReleasedSchemaChanged(Exception):
    """The schema of an event type changed, and its version did not."""


def write_event_documents(root: Path) -> list[Path]:
    """Write the documents under `root`, and return their paths.

    Schemas of other versions stay. Raises ReleasedSchemaChanged, before anything is written, if a schema
    differs from the file of the same version: bump the version, or delete the file if it was never released.
    """
    documents = event_documents()
    changed = [name for name, text in documents.items() if _is_released(name) and _differs(root / name, text)]
    if changed:
        raise ReleasedSchemaChanged(f"bump the version of, or delete if never released: {', '.join(changed)}")
    for name, text in documents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return [root / name for name in documents]


def event_documents() -> dict[str, str]:
    """The text of every document, by its path from the repository's root."""
    product, broker = version("harborgrid"), Settings.model_fields["nats_url"].default
    return {
        **{_schema_path(cls): _json(json_schema(cls)) for cls in CATALOGUE},
        "docs/events/schemas/envelope.json": _json(envelope_schema()),
        "docs/events/asyncapi.json": _json(asyncapi(CATALOGUE, version=product, server_url=broker)),
        "docs/events/README.md": _HEADING + "".join(_row(cls) for cls in CATALOGUE),
    }


def _schema_path(cls: type[Event]) -> str:
    return f"docs/events/schemas/{cls.about.type}/{cls.about.version}.json"


def _is_released(name: str) -> bool:
    return name.count("/") == 4


def _differs(path: Path, text: str) -> bool:
    return path.exists() and json.loads(path.read_text(encoding="utf-8")) != json.loads(text)


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _row(cls: type[Event]) -> str:
    about = cls.about
    link = f"[{about.version}](schemas/{about.type}/{about.version}.json)"
    wave = " ~" if about.telemetry else ""
    return f"| `{about.type}`{wave} | {link} | {about.source} | {', '.join(about.consumers)} | {about.purpose} |\n"


def settings_document() -> str:
    """`docs/settings.md`: every setting with its default and meaning."""
    rows = [
        f"| `HARBORGRID_{name.upper()}` | {_default(field.get_default())} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join([_SETTINGS_HEADING, *rows, ""])


def write_settings_document(root: Path) -> Path:
    """Write it under `root`, and return its path."""
    path = root / "docs" / "settings.md"
    path.write_text(settings_document())
    return path


def main() -> None:
    """The `harborgrid docs` command, run from the project's folder."""
    root = Path.cwd()
    written = [*write_event_documents(root), write_settings_document(root), write_map(root)]
    print(f"{len(written)} documents written")


_SETTINGS_HEADING = """\
# Settings

Every setting is an environment variable. A wrong one stops a process at its start, with the variable's name.
This page is written by `make docs` from `adapters/settings.py`.

| Variable | Default | Meaning |
|---|---|---|"""


def _default(value: object) -> str:
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    return "" if text in (None, "") else f"`{text}`"
