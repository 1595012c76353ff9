"""Imports point inwards: import-linter holds it, and no module is forgotten in its contracts."""

from __future__ import annotations

import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def listed(contract: str, option: str) -> set[str]:
    """The modules that a contract names."""
    config = ConfigParser()
    config.read(ROOT / ".importlinter")
    return set(config[f"importlinter:contract:{contract}"][option].split())


def packages(layer: str) -> set[str]:
    """The packages right below a layer."""
    return {f"{layer}.{path.parent.name}" for path in (ROOT / layer).glob("*/__init__.py")}


class TestImports:
    def test_keep_every_contract(self) -> None:
        done = subprocess.run(
            [Path(sys.executable).parent / "lint-imports", "--no-cache"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

        assert 0 == done.returncode, done.stdout + done.stderr

    def test_contracts_know_every_layer(self) -> None:
        config = ConfigParser()
        config.read(ROOT / ".importlinter")

        assert set(config["importlinter"]["root_packages"].split()) == {
            layer.strip()
            for row in config["importlinter:contract:layers"]["layers"].split()
            for layer in row.split("|")
        } - {""}

    def test_contracts_know_every_module_with_routes(self) -> None:
        assert packages("api") == listed("routers-are-strangers", "modules")

    @pytest.mark.parametrize("contract", ["services-are-called-from-outside"])
    def test_contracts_know_every_service(self, contract: str) -> None:
        services = {f"domain.{path.parent.name}.service" for path in (ROOT / "domain").glob("*/service.py")}

        assert services == listed(contract, "forbidden_modules")

    def test_contracts_know_every_module_with_a_database(self) -> None:
        databases = {f"adapters.{path.parent.name}.postgres" for path in (ROOT / "adapters").glob("*/postgres.py")}

        assert databases == listed("container-wires", "forbidden_modules")
