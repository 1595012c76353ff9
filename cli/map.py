"""Writes docs/map.md: which file of which layer belongs to which module, and how names lead to files."""

from __future__ import annotations

import ast
from pathlib import Path

MODULES = (
    "analytics",
    "automation",
    "billing",
    "cad",
    "collaboration",
    "compression",
    "gateway",
    "notifications",
    "security",
    "spatial",
    "bus",
    "kernel",
)
LAYERS = ("domain", "activities", "workflows", "adapters", "api")
PROCESSES = "sagas"
_PLATFORM = ("postgres", "telemetry", "temporal")


def write_map(root: Path) -> Path:
    """Write `docs/map.md` under `root`, and return its path."""
    path = root / "docs" / "map.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(map_document(root), encoding="utf-8")
    return path


def map_document(root: Path) -> str:
    """The page: the table of modules and layers, what no module owns, and the address rules."""
    head = f"| module | {' | '.join(f'`{layer}/`' for layer in LAYERS)} |\n|---|{'---|' * len(LAYERS)}\n"
    rows = "".join(_row(root, module) for module in (*MODULES, PROCESSES))
    shared = "".join(_shared(root, folder) for folder in _shared_folders())
    rules = "".join(f"| {seen} | [{path}](../{path}) | {rule} |\n" for seen, path, rule in _RULES)
    return f"{_HEADING}{head}{rows}{_SHARED}{shared}{_ADDRESSES}{rules}{_END}"


def _row(root: Path, module: str) -> str:
    cells = [", ".join(_link(root, path) for path in _files(root / layer, module)) for layer in LAYERS]
    return f"| **{module}** | {' | '.join(cells)} |\n"


def _files(layer: Path, module: str) -> list[Path]:
    """A module's files in a layer: `<module>.py`, or what the folder of its name holds."""
    return [path for path in (layer / f"{module}.py", *_python(layer / module)) if path.exists()]


def _python(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.py") if path.name != "__init__.py")


def _link(root: Path, path: Path) -> str:
    return f"[{path.stem}](../{path.relative_to(root).as_posix()})"


def _shared_folders() -> list[str]:
    layers = [layer for layer in LAYERS if layer != "adapters"]
    return [*layers, "adapters", *(f"adapters/{name}" for name in _PLATFORM), "analytics", "worker", "cli"]


def _shared(root: Path, folder: str) -> str:
    return "".join(
        f"| [{folder}/{path.name}](../{folder}/{path.name}) | {_sentence(path)} |\n"
        for path in _python(root / folder)
        if path.stem not in MODULES
    )


def _sentence(path: Path) -> str:
    """The first paragraph of the module's docstring, on one line."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(docstring.split("\n\n")[0].split()).replace("|", "\\|")


_HEADING = """\
# Map

Layers go down, modules go across, and the names repeat: whoever knows one module knows them all. This page is
written by `make docs` from the files that are there; an empty cell means that the module has nothing in that layer yet.

Imports point inwards: `cli` > `api`, `worker` > `adapters` > `workflows` > `activities` > `analytics` > `domain`.
`make check` holds that with the contracts in [.importlinter](../.importlinter).

The module that customers' automations belong to is `automation` in code and `workflow` in URLs, events and error codes,
so that nobody confuses it with `workflows/`. Likewise `collaboration` says `collab` in events.

## Modules and layers

"""

_SHARED = """
`sagas` are the processes that no single module owns. The numbers (`analytics/`) serve the module `analytics`.

## What no module owns

| file | says |
|---|---|
"""

_ADDRESSES = """
## Every public name is an address

From a log line, a URL or an error you walk to the file without searching. `tests/architecture/test_addresses.py` holds
these rules.

| you see | you open | rule |
|---|---|---|
"""

_RULES = (
    (
        "URL `/v1/security/api-keys/{id}/reveal`",
        "api/security/api_keys.py",
        "`/v1/<module>/<resource>`; dashes become underscores, `workflow` is `automation`",
    ),
    (
        "event `security.tenant.provisioned`, class `TenantProvisioned`",
        "domain/security/events.py",
        "the source names the module; the words of the type make the class's name, with or without the first",
    ),
    (
        "error code `billing.platform_plan_not_found`, class `PlatformPlanNotFound`",
        "domain/billing/errors.py",
        "`<module>.<class in snake case>`; `kernel.*` is in `domain/kernel/`, `workflow.*` in `domain/automation/`",
    ),
    (
        "activity `billing.create_subscription`",
        "activities/billing.py",
        "`<module>.<method>`",
    ),
    (
        "workflow type `sagas.onboarding`",
        "workflows/sagas/onboarding.py",
        "`<package>.<file>`",
    ),
    (
        "workflow id `ten_.../sagas/onboarding/onb_...`",
        "workflows/sagas/onboarding.py",
        "`<tenant or platform>/<package>/<file>/<business key>`",
    ),
    (
        "table `billing_platform_subscription`",
        "adapters/billing/postgres.py",
        "`<module>_<noun>`, except `events`, `http_answer` and `alembic_version`",
    ),
    (
        "metric `bus_relay_lag_seconds`",
        "adapters/telemetry/metrics.py",
        "all of them stand there; [operations.md](operations.md) says what each one means",
    ),
    (
        "setting `HARBORGRID_API_PORT`, field `api_port`",
        "adapters/settings.py",
        "all of them stand there; [settings.md](settings.md) lists them",
    ),
)

_END = """
Which event starts or signals which workflow stands on one page, [workflows/reactions.py](../workflows/reactions.py).
Which subscriptions read events stands in [adapters/container.py](../adapters/container.py).
"""
