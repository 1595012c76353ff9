"""`harborgrid --help`: every command is there and says what it does."""

from __future__ import annotations

from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from cli.main import app

GROUP: Any = typer.main.get_command(app)
GROUPS = {"audit": ["checkpoint", "key", "verify"], "events": ["park", "replay", "tail", "trace"]}
SERVERS = {"up", "api", "worker", "mailbox", "payment-simulator"}
COMMANDS = {
    *SERVERS,
    "migrate",
    "operator-key",
    "onboard",
    "simulate",
    "import-usage",
    "sql",
    "doctor",
    "docs",
    *GROUPS,
}
RUNNER = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"})


class TestHelp:
    def test_lists_the_commands(self) -> None:
        told = RUNNER.invoke(app, ["--help"])

        assert 0 == told.exit_code
        assert {name for name in COMMANDS if f" {name} " in told.output} == set(GROUP.commands) == COMMANDS

    @pytest.mark.parametrize("group", sorted(GROUPS))
    def test_lists_what_a_group_can_do(self, group: str) -> None:
        told = RUNNER.invoke(app, [group, "--help"])

        assert GROUPS[group] == sorted(GROUP.commands[group].commands)
        assert all(f" {name} " in told.output for name in GROUPS[group])

    @pytest.mark.parametrize("name", sorted(COMMANDS - GROUPS.keys()))
    def test_of_a_command_says_what_it_does(self, name: str) -> None:
        told = RUNNER.invoke(app, [name, "--help"])

        assert 0 == told.exit_code
        assert (GROUP.commands[name].help or "").split("\n")[0].split(";")[0] in " ".join(told.output.split())

    def test_is_what_nothing_shows(self) -> None:
        assert "Usage: harborgrid" in RUNNER.invoke(app, []).output

    def test_is_pointed_to_by_an_unknown_command(self) -> None:
        told = RUNNER.invoke(app, ["dance"])

        assert 2 == told.exit_code
        assert "--help" in told.output
