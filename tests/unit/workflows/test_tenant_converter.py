"""One data converter for each tenant, however many payloads there are."""

from __future__ import annotations

from pathlib import Path

from temporalio.converter import WorkflowSerializationContext

from adapters.settings import Settings
from adapters.temporal.plugin import TenantConverter, converter

ONE, ANOTHER = "ten_01h455vb4pex5vsknk084sn02q", "ten_01h455vb4pex5vsknk084sn02r"


class Keys:
    """A key ring whose keys say whose they are."""

    async def active(self, tenant: str) -> tuple[str, bytes]:
        return tenant, tenant.encode().ljust(32)[:32]

    async def key(self, key_id: str) -> bytes:
        return key_id.encode().ljust(32)[:32]


def of(made: TenantConverter, tenant: str, workflow: str) -> TenantConverter:
    return made.with_context(WorkflowSerializationContext(namespace="test", workflow_id=f"{tenant}/sagas/{workflow}"))


class TestTenantConverter:
    async def test_is_one_for_all_workflows_of_a_tenant_and_another_for_the_next(self, tmp_path: Path) -> None:
        made = converter(Settings(data_dir=tmp_path), Keys())
        assert isinstance(made, TenantConverter)
        first, second, neighbour = of(made, ONE, "a"), of(made, ONE, "b"), of(made, ANOTHER, "a")

        assert first is second
        assert first is not neighbour
        [ours], [theirs] = await first.encode(["x"]), await neighbour.encode(["x"])
        assert [ONE.encode(), ANOTHER.encode()] == [ours.metadata["key-id"], theirs.metadata["key-id"]]
        assert ["x"] == await made.decode([ours], [str])

    async def test_forgets_a_tenant_rather_than_remember_every_one(self, tmp_path: Path) -> None:
        made = converter(Settings(data_dir=tmp_path), Keys())
        assert isinstance(made, TenantConverter)
        first = of(made, ONE, "a")
        for number in range(1100):
            of(made, f"ten_{number:026d}", "a")

        assert len(made._of_owner) == 1000
        assert of(made, ONE, "a") is not first
