"""Workflow code runs outside the sandbox, so what it may not do must not be within its reach."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

WORKFLOWS = Path(__file__).parents[2] / "workflows"
SOURCES = sorted(WORKFLOWS.rglob("*.py"))
DETERMINISTIC = {
    "__future__",
    "activities",
    "asyncio",
    "collections",
    "contextlib",
    "dataclasses",
    "datetime",
    "domain",
    "enum",
    "functools",
    "itertools",
    "temporalio",
    "types",
    "typing",
    "uuid",
    "workflows",
}
"""Nothing here knows the time, chance, the machine or the network, but for what lint bans: `datetime.now`, `uuid4`."""
CHANGEABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
UNCHANGING = {"Context", "frozenset", "tuple", "timedelta", "TypeVar", "MappingProxyType", "ParamSpec"}
OUTSIDE = {"open", "input", "exec", "eval", "__import__"}
"""What of the language itself reaches beyond a workflow."""


def _named(path: Path) -> str:
    return str(path.relative_to(WORKFLOWS.parent))


def _imported(tree: ast.Module) -> set[str]:
    return {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }


def _kept(tree: ast.Module) -> list[str]:
    """What a module or a class keeps that a run could change, for the next one to see."""
    return [
        ast.unparse(node)
        for whole in ast.walk(tree)
        if isinstance(whole, ast.Module | ast.ClassDef)
        for node in whole.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and _may_change(node.value)
    ]


def _may_change(value: ast.expr) -> bool:
    return isinstance(value, CHANGEABLE) or (
        isinstance(value, ast.Call) and ast.unparse(value.func).split(".")[-1] not in UNCHANGING
    )


@pytest.mark.parametrize("path", SOURCES, ids=_named)
class TestWorkflowModule:
    def test_imports_only_what_is_the_same_each_time(self, path: Path) -> None:
        assert not _imported(ast.parse(path.read_text())) - DETERMINISTIC

    def test_calls_nothing_outside(self, path: Path) -> None:
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]

        assert not OUTSIDE & {ast.unparse(call.func) for call in calls}

    def test_keeps_nothing_that_a_run_could_change(self, path: Path) -> None:
        assert not _kept(ast.parse(path.read_text()))
