"""Onboardings in PostgreSQL, accepted with their event and their answer in one statement."""

from __future__ import annotations

from adapters.postgres.database import Database
from adapters.postgres.rows import newest_first
from adapters.postgres.session import Session, event_rows
from domain.automation.errors import OnboardingNotFound
from domain.automation.events import OnboardingRequested
from domain.automation.ids import OnboardingId
from domain.automation.model import Onboarding
from domain.kernel.idempotency import KeyedRequest
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.payload import Payload

_COLUMNS = (
    "id, tenant_id, workflow_id, organisation, owner_name, owner_email, plan_code, locale, timezone, status, "
    "requested_at, cancel_requested_at, finished_at, failed_step, error_code, error_reason"
)

# One round trip and one commit: the answer is claimed under its key, and only who claims it writes the rest.
ACCEPT = """
WITH claim AS (
    INSERT INTO http_answer (owner, key, fingerprint, status, answer) VALUES ($1, $2, $3, 202, $4::text::jsonb)
    ON CONFLICT DO NOTHING RETURNING 1
), accepted AS (
    INSERT INTO automation_onboarding
        (id, tenant_id, workflow_id, organisation, owner_name, owner_email, plan_code, locale, timezone,
         status, requested_at)
    SELECT $5, $6, $7, $8, $9, $10, $11, $12, $13, 'running', $14 FROM claim
), told AS (
    INSERT INTO events (id, type, version, timestamp, source, tenant_id, user_id, subject, data, metadata)
    SELECT $15, $16, $17, $14, $18, $6, $19, $5, $20::text::jsonb, $21::text::jsonb FROM claim
)
SELECT count(*) = 1 AS claimed FROM claim
"""


class PostgresOnboardings:
    """The onboardings."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def get(self, tenant: TenantId | None, onboarding_id: OnboardingId, *, lock: bool = False) -> Onboarding:
        """Raises OnboardingNotFound."""
        row = await self._session.sql.fetchrow(
            f"SELECT {_COLUMNS} FROM automation_onboarding WHERE id = $1 AND ($2::text IS NULL OR tenant_id = $2)"
            + (" FOR UPDATE" if lock else ""),
            onboarding_id,
            tenant,
        )
        if row is None:
            raise OnboardingNotFound
        return Onboarding(**dict(row))

    async def put(self, onboarding: Onboarding) -> None:
        """Replace what may change."""
        await self._session.sql.execute(
            "UPDATE automation_onboarding SET status = $2, cancel_requested_at = $3, finished_at = $4, "
            "failed_step = $5, error_code = $6, error_reason = $7 WHERE id = $1",
            onboarding.id,
            onboarding.status,
            onboarding.cancel_requested_at,
            onboarding.finished_at,
            onboarding.failed_step,
            onboarding.error_code,
            onboarding.error_reason,
        )

    async def page(self, tenant: TenantId | None, *, cursor: str | None, limit: int) -> Page[Onboarding]:
        """Newest first."""
        return await newest_first(
            self._session,
            "automation_onboarding",
            lambda row: Onboarding(**dict(row)),
            where="$1::text IS NULL OR tenant_id = $1",
            values=(tenant,),
            cursor=cursor,
            limit=limit,
        )


class PostgresAutomationUnitOfWork:
    """One transaction of automation."""

    def __init__(self, session: Session) -> None:
        self.onboardings = PostgresOnboardings(session)
        self.events = session
        self.audit = session


class OnboardingDesk:
    """Accepts requests for onboardings durably: row, event and answer in one statement."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def accept(
        self,
        asked: OnboardingRequested,
        *,
        workflow_id: str,
        keyed: KeyedRequest,
        answer: Payload,
    ) -> bool:
        """Whether it was accepted now; False if this key was answered before (nothing is written then)."""
        [(event_id, type_, version, _, source, _, user_id, _, data, metadata)] = event_rows([asked], asked.tenant_id)
        row = await self._database.statement(
            ACCEPT,
            *(keyed.owner, keyed.key, keyed.fingerprint, answer.model_dump_json()),
            *(asked.onboarding_id, asked.tenant_id, workflow_id, asked.organisation),
            *(asked.owner_name, asked.owner_email, asked.plan_code, asked.locale, asked.timezone),
            *(asked.occurred_at, event_id, type_, version, source, user_id, data, metadata),
        )
        accepted = bool(row and row["claimed"])
        if accepted:
            self._database.announce()
        return accepted
