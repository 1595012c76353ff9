"""`/v1/security/tenant-migrations`: bring every tenant's schema to the newest revision."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from adapters.postgres.migrations import TENANT, head
from api.envelope import Answer, ok
from api.parameters import Line, World
from api.principals import may
from api.problems import problems
from api.routes import Route
from domain.kernel.errors import WorkflowsUnavailable
from domain.kernel.payload import Payload
from domain.security.commands import MigrateTenantsInput, MigrateTenantsProgress
from domain.security.errors import MigrationNotFound, OperatorsOnly
from domain.security.model import Principal
from domain.security.permissions import MIGRATE_TENANTS
from workflows.sagas.migrate_tenants import MigrateTenantsWorkflow, workflow_id

router = APIRouter(prefix="/v1/security/tenant-migrations", tags=["security"], route_class=Route)


class StartedMigration(Payload):
    """The migration to this revision; `started` is false if it was running already."""

    revision: str
    workflow_id: str
    started: bool


@router.post(
    "",
    status_code=202,
    response_model=Answer[StartedMigration],
    responses=problems(OperatorsOnly, WorkflowsUnavailable),
)
async def start(_: Annotated[Principal, may(MIGRATE_TENANTS)], world: World) -> Answer[StartedMigration]:
    """Migrate the tenants; those already there are left alone, so it may be run again at any time."""
    revision = head(TENANT)
    started = await world.starter.start(
        MigrateTenantsWorkflow.run,
        MigrateTenantsInput(revision=revision),
        id=workflow_id(revision),
        summary=f"Migrate every tenant to {revision}",
        again=True,
    )
    return ok(StartedMigration(revision=revision, workflow_id=workflow_id(revision), started=started))


@router.get(
    "/{revision}",
    response_model=Answer[MigrateTenantsProgress],
    responses=problems(OperatorsOnly, MigrationNotFound, WorkflowsUnavailable),
)
async def progress(
    revision: Line,
    _: Annotated[Principal, may(MIGRATE_TENANTS)],
    world: World,
) -> Answer[MigrateTenantsProgress]:
    """How far it has come, and which tenants stayed behind."""
    found = await world.starter.ask(workflow_id(revision), MigrateTenantsWorkflow.progress)
    if found is None:
        raise MigrationNotFound(revision=revision)
    return ok(found)
