"""A tenant with a long queue does not keep the others waiting: their plans' weights share a busy worker."""

from __future__ import annotations

from collections import Counter
from functools import partial
from itertools import count

from conftest import Stack, Tenant, until
from temporalio import activity, workflow
from temporalio.worker import Worker

from activities.options import OWN_DATABASE
from adapters.kernel.clock import new_id
from adapters.temporal.starter import FairShares, WorkflowStarter
from domain.automation.ids import OnboardingId

_queues = count(1)


@workflow.defn(name="tests.errand", sandboxed=False)
class Errand:
    """One activity."""

    @workflow.run
    async def run(self, tenant: str) -> None:
        await workflow.execute_activity("tests.run_errand", tenant, **OWN_DATABASE)


class Office:
    """Takes errands in, and does them one at a time once it opens."""

    def __init__(self, stack: Stack) -> None:
        self.queue = f"office-{next(_queues)}"
        self.client = stack.container.temporal
        self.starter = WorkflowStarter(self.client, self.queue, FairShares(stack.container.database))
        self.asked: list[str] = []
        self.done: list[str] = []

    async def ask(self, tenant: Tenant, errands: int) -> None:
        for _ in range(errands):
            id_ = f"{tenant.id}/tests/errand/{new_id(OnboardingId)}"
            assert await self.starter.start(Errand.run, tenant.id, id=id_, summary="an errand")
            self.asked.append(id_)

    async def open_until(self, errands: int) -> list[str]:
        """Whose errands were done, in order, once all of them were in the queue."""
        async with Worker(self.client, task_queue=self.queue, workflows=[Errand]):
            for id_ in self.asked:
                await until(partial(self._is_queued, id_), what=f"{id_} to be in the queue")

        @activity.defn(name="tests.run_errand")
        async def run_errand(tenant: str) -> None:
            self.done.append(tenant)

        async def enough() -> bool:
            return len(self.done) >= errands

        worker = Worker(
            self.client,
            task_queue=self.queue,
            activities=[run_errand],
            max_concurrent_activities=1,
        )
        async with worker:
            await until(enough, what=f"{errands} errands")
        return self.done[:errands]

    async def _is_queued(self, id_: str) -> bool:
        description = await self.client.get_workflow_handle(id_).describe()
        return bool(description.raw_description.pending_activities)


class TestFairShares:
    async def test_a_small_tenant_does_not_wait_for_a_large_ones_backlog(self, stack: Stack) -> None:
        large, small = await stack.tenant(), await stack.tenant()
        office = Office(stack)
        await office.ask(large, 60)
        await office.ask(small, 12)

        done = await office.open_until(40)

        # First come, first served, it would be none. The queue has four partitions, each fair by itself.
        assert done.count(small.id) >= 4

    async def test_a_larger_plan_has_a_larger_share(self, stack: Stack) -> None:
        free, pro = await stack.tenant(planCode="free"), await stack.tenant(planCode="pro")
        office = Office(stack)
        await office.ask(free, 60)
        await office.ask(pro, 60)

        shares = Counter(await office.open_until(40))

        assert shares[pro.id] > 2 * shares[free.id] > 0
