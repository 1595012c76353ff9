"""Every public name is an address: from what a log line says you walk to the file."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fastapi.routing import APIRoute
from prometheus_client.metrics import MetricWrapperBase
from temporalio import activity, workflow

from adapters.postgres.migrations import PLATFORM, TENANT, upgrade_sql
from adapters.telemetry import metrics
from api.app import ROUTERS
from domain.bus.event import Event
from domain.catalogue import CATALOGUE
from domain.kernel.errors import HarborGridError
from workflows.registry import WORKFLOWS

ROOT = Path(__file__).parents[2]
PRODUCT = ("domain", "analytics", "activities", "workflows", "adapters", "api", "worker", "cli")
MODULES = frozenset(
    path.name for path in (ROOT / "domain").iterdir() if path.is_dir() and not path.name.startswith("_")
)
CUSTOMERS_WORD = {"workflow": "automation", "collab": "collaboration"}
"""What URLs and error codes call a module, where the code calls it otherwise."""

TABLES_OF_NO_MODULE = {
    "events": "the event store belongs to all modules",
    "http_answer": "answers kept under Idempotency-Keys belong to the API",
    "spare_schema": "prepared for whichever module asks for a schema of its tenants",
    "alembic_version": "Alembic's own",
}


def module_of(word: str) -> str:
    """The module that this word of a URL or code means."""
    return CUSTOMERS_WORD.get(word, word)


def snake(name: str) -> str:
    """`PlatformPlanNotFound` is plan_not_found."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def camel(words: list[str]) -> str:
    """`tenant`, `provisioned` are TenantProvisioned; so is `tenant_provisioned`."""
    return "".join(part.capitalize() for word in words for part in word.split("_"))


def everything_in(layer: str) -> Iterator[ModuleType]:
    """Every module of a layer, imported; migrations are no modules."""
    for path in sorted((ROOT / layer).rglob("*.py")):
        if "revisions" not in path.parts and path.stem != "__init__":
            yield import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


def classes_of(layer: str) -> Iterator[type]:
    """Every class that a layer defines."""
    for module in everything_in(layer):
        for found in vars(module).values():
            if inspect.isclass(found) and found.__module__ == module.__name__:
                yield found


def name_of(kind: type) -> str | None:
    """The name of a workflow class; None for another class."""
    definition = workflow._Definition.from_class(kind)
    return definition.name if definition else None


ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
ERRORS = [kind for kind in classes_of("domain") if issubclass(kind, HarborGridError) and kind is not HarborGridError]
ACTIVITIES = [
    (kind.__module__.split(".")[1], method, definition.name or "")
    for kind in classes_of("activities")
    for method, function in inspect.getmembers(kind, inspect.isfunction)
    if (definition := activity._Definition.from_callable(function)) is not None
]
PROCESSES = [kind for kind in classes_of("workflows") if name_of(kind)]


class TestRoute:
    @pytest.mark.parametrize(
        "route", [route for route in ROUTES if route.path.startswith("/v1/")], ids=lambda r: r.path
    )
    def test_stands_in_the_file_that_its_url_names(self, route: APIRoute) -> None:
        _, _, module, resource, *_ = route.path.split("/")

        assert f"api.{module_of(module)}.{resource.replace('-', '_')}" == route.endpoint.__module__
        assert module_of(module) in MODULES

    def test_without_a_version_is_for_those_who_run_the_platform_or_where_an_rfc_has_it(self) -> None:
        unversioned = {route.path for route in ROUTES if not route.path.startswith("/v1/")}

        standard = {path for path in unversioned if path.startswith("/.well-known/")}
        assert {"/livez", "/readyz", "/metrics"} == unversioned - standard

    def test_is_served_wherever_a_router_is_written(self) -> None:
        written = {
            ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for path in (ROOT / "api").rglob("*.py")
            if re.search(r"^router = ", path.read_text(), re.MULTILINE)
        }

        assert written == {route.endpoint.__module__ for route in ROUTES}


class TestEvent:
    @pytest.mark.parametrize("kind", CATALOGUE, ids=lambda kind: kind.about.type)
    def test_is_the_class_that_its_type_names_in_its_sources_file(self, kind: type[Event]) -> None:
        words = kind.about.type.split(".")

        assert kind.__name__ in {camel(words[1:]), camel(words)}
        assert re.fullmatch(rf"domain\.{kind.about.source}\.(\w+_)?events", kind.__module__)

    def test_is_in_the_catalogue_wherever_it_is_declared(self) -> None:
        declared = {kind for kind in classes_of("domain") if issubclass(kind, Event) and "about" in vars(kind)}

        assert declared == set(CATALOGUE)


class TestErrorCode:
    @pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
    def test_is_its_module_and_its_class(self, kind: type[HarborGridError]) -> None:
        word, _, name = kind.code.partition(".")
        place = kind.__module__

        assert snake(kind.__name__) == name
        home = r"domain\.kernel\.\w+" if word == "kernel" else rf"domain\.{module_of(word)}\.(\w+_)?errors"
        assert re.fullmatch(home, place)

    def test_names_one_class(self) -> None:
        codes = [kind.code for kind in ERRORS]

        assert sorted(set(codes)) == sorted(codes)

    def test_of_the_root_says_that_we_do_not_know(self) -> None:
        assert "kernel.internal" == HarborGridError.code

    def test_of_the_kernel_has_a_class_wherever_it_is_written(self) -> None:
        known = {HarborGridError.code, *(kind.code for kind in ERRORS)}
        written = {
            (str(path.relative_to(ROOT)), code)
            for layer in PRODUCT
            for path in (ROOT / layer).rglob("*.py")
            for code in re.findall(r'"(kernel\.[a-z_]+)"', path.read_text())
        }

        assert [] == sorted(place for place in written if place[1] not in known)

    def test_has_its_class_in_the_domain(self) -> None:
        for layer in PRODUCT:
            list(everything_in(layer))

        assert set(ERRORS) == set(_below(HarborGridError))


def _below(kind: type[HarborGridError]) -> Iterator[type[HarborGridError]]:
    for child in kind.__subclasses__():
        if child.__module__.split(".")[0] in PRODUCT:
            yield child
            yield from _below(child)


class TestActivity:
    @pytest.mark.parametrize(("module", "method", "name"), ACTIVITIES, ids=[name for *_, name in ACTIVITIES])
    def test_is_its_module_and_its_method(self, module: str, method: str, name: str) -> None:
        assert f"{module}.{method}" == name
        assert module in MODULES

    def test_is_served_by_workers(self) -> None:
        container = ast.parse((ROOT / "adapters" / "container.py").read_text())
        [listing] = [
            node for node in ast.walk(container) if isinstance(node, ast.FunctionDef) and node.name == "activities"
        ]
        [returned] = [node.value for node in ast.walk(listing) if isinstance(node, ast.Return)]
        assert isinstance(returned, ast.List)

        assert sorted(name for *_, name in ACTIVITIES) == sorted(ast.unparse(item) for item in returned.elts)


class TestWorkflow:
    @pytest.mark.parametrize("kind", PROCESSES, ids=lambda kind: kind.__name__)
    def test_is_its_package_and_its_file(self, kind: type) -> None:
        _, package, file = kind.__module__.split(".")

        assert f"{package}.{file}" == name_of(kind)
        assert package in {*MODULES, "sagas"}

    @pytest.mark.parametrize("kind", PROCESSES, ids=lambda kind: kind.__name__)
    def test_id_is_its_owner_its_address_and_its_business_key(self, kind: type) -> None:
        workflow_id: Any = import_module(kind.__module__).workflow_id
        given = [f"given-{name}" for name in inspect.signature(workflow_id).parameters]

        owner, package, file, *key = workflow_id(*given).split("/")

        assert owner in {given[0], "platform"}
        assert f"{package}.{file}" == name_of(kind)
        assert [part for part in given if part != owner] == key

    def test_is_registered(self) -> None:
        assert set(PROCESSES) == set(WORKFLOWS)


class TestTable:
    @pytest.mark.parametrize("branch", [PLATFORM, TENANT])
    def test_begins_with_its_module(self, branch: str) -> None:
        tables = re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", upgrade_sql(branch, None))

        assert tables
        assert [] == [
            table for table in tables if table not in TABLES_OF_NO_MODULE and table.split("_")[0] not in MODULES
        ]

    def test_of_no_module_is_still_there(self) -> None:
        everything = upgrade_sql(PLATFORM, None)

        assert [] == [table for table in TABLES_OF_NO_MODULE if f"CREATE TABLE {table} " not in everything]


class TestMetric:
    @pytest.mark.parametrize(
        "metric", [found for found in vars(metrics).values() if isinstance(found, MetricWrapperBase)], ids=str
    )
    def test_is_explained_to_operators(self, metric: MetricWrapperBase) -> None:
        [family] = metric.describe()
        name = f"{family.name}_total" if family.type == "counter" else family.name

        assert f"| `{name}` |" in (ROOT / "docs" / "operations.md").read_text()

    def test_is_made_in_one_file(self) -> None:
        makers = {
            str(path.relative_to(ROOT))
            for layer in PRODUCT
            for path in (ROOT / layer).rglob("*.py")
            if re.search(r"\b(Counter|Gauge|Histogram|Summary)\(\s*\"", path.read_text())
        }

        assert {"adapters/telemetry/metrics.py"} == makers
