"""Documents: the map is the code's, links lead somewhere, and the command line is described in full."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from cli.main import app
from cli.map import LAYERS, MODULES, map_document, write_map

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
CLI = (ROOT / "docs" / "cli.md").read_text()


def links(page: Path) -> list[str]:
    """The relative links of a page, outside its code."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub links to them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(group: Any, *above: str) -> Iterator[tuple[str, Any]]:
    """Every command by the words that call it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *above, name)
        else:
            yield " ".join((*above, name)), command


COMMANDS = list(commands(typer.main.get_command(app)))


class TestMap:
    def test_is_what_the_files_say(self) -> None:
        assert map_document(ROOT) == (ROOT / "docs" / "map.md").read_text(), "run `make docs`"

    def test_knows_every_module(self) -> None:
        domain = {path.parent.name for path in (ROOT / "domain").glob("*/__init__.py")}

        assert domain == set(MODULES)

    def test_is_written_the_same_from_a_copy_of_the_tree(self, tmp_path: Path) -> None:
        for layer in LAYERS:
            for path in (ROOT / layer).rglob("*.py"):
                copy = tmp_path / path.relative_to(ROOT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_text(path.read_text())

        first = write_map(tmp_path).read_text()

        assert first == write_map(tmp_path).read_text()
        assert set(first.splitlines()) <= set(map_document(ROOT).splitlines())


class TestLink:
    @pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
    def test_leads_to_a_file(self, page: Path) -> None:
        targets = [link.partition("#")[0] for link in links(page)]

        assert [] == [target for target in targets if target and not (page.parent / target).exists()]

    @pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
    def test_leads_to_a_heading(self, page: Path) -> None:
        wanted = [link.partition("#") for link in links(page) if "#" in link]
        there = [(target, anchor) for target, _, anchor in wanted if not target or target.endswith(".md")]

        assert [] == [
            (target, anchor)
            for target, anchor in there
            if anchor not in anchors((page.parent / target) if target else page)
        ]


class TestCommandLinePage:
    @pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _ in COMMANDS])
    def test_describes_every_command_with_its_options(self, name: str, command: Any) -> None:
        options = {option for parameter in command.params for option in parameter.opts if option.startswith("-")}

        assert f"| `harborgrid {name}` |" in CLI
        assert set() == {option for option in options if f"`{option}" not in CLI}

    def test_describes_no_other_command(self) -> None:
        described = re.findall(r"^\| `harborgrid ([a-z -]+)` \|", CLI, re.MULTILINE)

        assert sorted(name for name, _ in COMMANDS) == sorted(described)
