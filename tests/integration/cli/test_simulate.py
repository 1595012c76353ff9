"""`harborgrid simulate`: months of customers' lives on the real processes, and books that are right afterwards."""

from __future__ import annotations

from conftest import Stack

from cli.simulate import Simulation


class TestSimulate:
    async def test_leaves_books_in_which_everything_is_right(self, stack: Stack) -> None:
        simulation = Simulation(months=3, customers=6, seed=4, url=stack.url, bank=stack.simulator.url)
        simulation.console.record = True

        code = await simulation.run(stack.operator_key)

        told = simulation.console.export_text()
        assert 0 == code, told
        assert "wrong" not in told
        assert 11 == told.count("right  ")
        assert "6 customers for 3 months, seed 4" in told
