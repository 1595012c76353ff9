"""The collectors: one for each check of the control catalogue. Each looks at one scope and says what it saw.

Facts name ids, at most a few dozen, and never secrets or people's names.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from adapters.postgres.session import Session
from adapters.security.detection import unread_seconds
from adapters.security.sealing import unsealed_seconds
from domain.kernel.ids import TenantId
from domain.security.audit_log import origin_of
from domain.security.checkpoint import CheckpointVerifier
from domain.security.control_model import EvidenceState, Observed
from domain.security.data_keys import PLATFORM
from domain.security.errors import CheckpointInvalid
from domain.security.subject_model import RetentionCategory

_NAMED = 50
_BEHIND_SECONDS = 600
_EVENTS = 100_000
_CARD = re.compile(
    r"(?<![0-9])(?:4[0-9]{15}|5[1-5][0-9]{14}|2[2-7][0-9]{14}|3[47][0-9]{13}|6(?:011|5[0-9]{2})[0-9]{12})(?![0-9])"
)


@dataclass(frozen=True, slots=True)
class Installation:
    """What collectors know of the platform itself."""

    public_url: str
    smtp_starttls: bool
    master_key_id: str
    checkpoints: CheckpointVerifier


@dataclass(frozen=True, slots=True)
class Look:
    """One scope, looked at in one transaction as the platform."""

    session: Session
    tenant: TenantId | None
    now: datetime
    installation: Installation

    async def ids(self, sql: str, *values: object) -> list[str]:
        """The first column."""
        return [str(row[0]) for row in await self.session.sql.fetch(sql, *values)]

    async def one(self, sql: str, *values: object) -> Any:
        """The only value."""
        return await self.session.sql.fetchval(sql, *values)


Collector = Callable[[Look], Awaitable[Observed]]


def seen(wrong: list[str], *, good: str, bad: str, **facts: Any) -> Observed:
    """Satisfied if nothing is wrong. Facts name the first few dozen."""
    state = EvidenceState.NOT_SATISFIED if wrong else EvidenceState.SATISFIED
    named = {"ids": wrong[:_NAMED]} if wrong else {}
    return Observed(state=state, summary=bad if wrong else good, facts={**facts, **named})


@dataclass(frozen=True, slots=True)
class NoSuchRows:
    """A collector that is satisfied if a query finds no ids. $1: the tenant; $2: now. bad: with their `{count}`."""

    sql: str
    good: str
    bad: str

    async def __call__(self, look: Look) -> Observed:
        """Look."""
        wrong = await look.ids(f"{self.sql} ORDER BY id", look.tenant, look.now)
        return seen(wrong, good=self.good, bad=self.bad.format(count=len(wrong)))


ROWS: Mapping[str, NoSuchRows] = {
    "old_keys": NoSuchRows(
        "SELECT id FROM security_api_key WHERE tenant_id = $1 AND status = 'active' AND expires_at IS NULL "
        "AND created_at < $2::timestamptz - interval '365 days'",
        good="No API key without an end is older than a year.",
        bad="{count} API keys without an end are older than a year.",
    ),
    "unused_keys": NoSuchRows(
        "SELECT id FROM security_api_key WHERE tenant_id = $1 AND status = 'active' "
        "AND (expires_at IS NULL OR expires_at > $2::timestamptz) "
        "AND coalesce(last_used_at, created_at) < $2::timestamptz - interval '90 days'",
        good="Every active API key was used within ninety days.",
        bad="{count} active API keys were not used for ninety days.",
    ),
    "emergency_access": NoSuchRows(
        "SELECT id FROM security_elevation WHERE tenant_id = $1 AND break_glass AND reviewed_at IS NULL "
        "AND coalesce(ended_at, expires_at) < $2::timestamptz - interval '7 days'",
        good="No emergency access waits for its review.",
        bad="{count} emergency accesses were not reviewed within a week.",
    ),
    "threats_answered": NoSuchRows(
        "SELECT id FROM security_threat WHERE tenant_id = $1 AND status IN ('open', 'awaiting_approval') "
        "AND first_seen_at < $2::timestamptz - interval '7 days'",
        good="No threat has waited for more than a week.",
        bad="{count} threats have waited for more than a week.",
    ),
    "breaches_notified": NoSuchRows(
        "SELECT id FROM security_breach WHERE tenant_id = $1 AND closed_at IS NULL AND notified_at IS NULL "
        "AND risk <> 'unlikely' AND due_at < $2::timestamptz",
        good="No breach is past its deadline without a notice.",
        bad="{count} breaches are past their deadline, and nobody has notified the authority.",
    ),
    "risks_treated": NoSuchRows(
        "SELECT id FROM security_risk WHERE tenant_id IS NOT DISTINCT FROM $1 AND status <> 'closed' "
        "AND due_at < $2::timestamptz",
        good="No risk is past its deadline.",
        bad="{count} risks are past their deadline.",
    ),
    "subjects_answered": NoSuchRows(
        "SELECT id FROM security_subject_request WHERE tenant_id = $1 "
        "AND status IN ('waiting', 'blocked', 'running') AND due_at < $2::timestamptz",
        good="No request of a data subject is open after a month.",
        bad="{count} requests of data subjects are open after a month.",
    ),
}


async def second_factors(look: Look) -> Observed:
    """Owners and administrators without a passkey or a confirmed authenticator app."""
    people = await look.session.sql.fetch(
        "SELECT user_id, EXISTS (SELECT FROM security_passkey p WHERE p.user_id = m.user_id) OR EXISTS "
        "(SELECT FROM security_totp t WHERE t.user_id = m.user_id AND confirmed_at IS NOT NULL) AS has_one "
        "FROM security_membership m WHERE tenant_id = $1 AND role IN ('owner', 'admin') ORDER BY user_id",
        look.tenant,
    )
    without = [row["user_id"] for row in people if not row["has_one"]]
    return seen(
        without,
        good=f"All {len(people)} owners and administrators have a second factor.",
        bad=f"{len(without)} of {len(people)} owners and administrators have no second factor.",
        people=len(people),
    )


async def isolation(look: Look) -> Observed:
    """Roles of tenants that can do too much, or are missing; tables that show tenants each other's rows."""
    wrong = await look.ids(
        "SELECT t.id || ': ' || CASE WHEN r.rolname IS NULL THEN 'has no role' ELSE 'its role can do too much' END "
        "FROM security_tenant t LEFT JOIN pg_roles r ON r.rolname = 'hg_' || t.id WHERE t.status = 'active' "
        "AND (r.rolname IS NULL OR r.rolsuper OR r.rolbypassrls OR r.rolcanlogin OR r.rolcreaterole OR r.rolcreatedb) "
        "ORDER BY t.id",
    )
    wrong += await look.ids(
        "SELECT 'table ' || c.relname || ': tenants may read it, and it has no row-level security' FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'platform' AND c.relkind IN ('r', 'p') "
        "AND NOT c.relrowsecurity AND has_table_privilege('harborgrid_tenant', c.oid, 'SELECT') "
        "AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname IN ('tenant_id', 'log')) "
        "ORDER BY c.relname"
    )
    tenants = await look.one("SELECT count(*) FROM security_tenant WHERE status = 'active'")
    return seen(
        wrong,
        good=f"The roles of all {tenants} tenants reach their own schema only.",
        bad=f"{len(wrong)} roles or tables let tenants see more than their own.",
        tenants=tenants,
    )


async def audit_sealed(look: Look) -> Observed:
    """How long the oldest unsealed record has waited."""
    waits = round(await unsealed_seconds(look.session))
    return seen(
        [f"the oldest waits {waits} s"] if waits > _BEHIND_SECONDS else [],
        good="Audit records are sealed within ten minutes.",
        bad="Audit records wait for longer than ten minutes to be sealed.",
        oldest_seconds=waits,
    )


async def audit_whole(look: Look) -> Observed:
    """Whether the log is as long as its newest checkpoint says, and who signed that."""
    log = look.tenant or PLATFORM
    newest = await look.session.sql.fetchrow(
        "SELECT size, note FROM security_audit_checkpoint WHERE log = $1 ORDER BY size DESC LIMIT 1", log
    )
    length = await look.one("SELECT coalesce(max(index) + 1, 0) FROM security_audit_leaf WHERE log = $1", log)
    if newest is None:
        return seen([], good="The log has no checkpoint yet.", bad="", records=length)
    try:
        checkpoint = look.installation.checkpoints.open(newest["note"])
    except CheckpointInvalid:
        wrong = ["the newest checkpoint is not signed by us"]
    else:
        short = (
            length < checkpoint.size or checkpoint.size != newest["size"] or checkpoint.origin != origin_of(look.tenant)
        )
        wrong = [f"{length} records are there, of {checkpoint.size}"] if short else []
    return seen(
        wrong,
        good=f"The log has all {newest['size']} records of its newest checkpoint, which we signed.",
        bad="The log is not what its newest checkpoint says.",
        records=length,
        checkpoint=newest["size"],
    )


async def wrapped_keys(look: Look) -> Observed:
    """Data keys under another master key than the one that wraps today."""
    other = await look.ids(
        "SELECT id FROM security_data_key WHERE master_key_id IS DISTINCT FROM $1 ORDER BY id",
        look.installation.master_key_id,
    )
    total = await look.one("SELECT count(*) FROM security_data_key")
    return seen(
        other,
        good=f"All {total} data keys are wrapped by the master key in use.",
        bad=f"{len(other)} of {total} data keys are wrapped by another master key.",
        keys=total,
    )


async def data_key_age(look: Look) -> Observed:
    """Whether the active data key is older than a year."""
    row = await look.session.sql.fetchrow(
        "SELECT id, created_at FROM security_data_key WHERE tenant_id = $1 AND retired_at IS NULL", look.tenant
    )
    if row is None:
        return seen([str(look.tenant)], good="", bad="There is no active data key.")
    days = (look.now - row["created_at"]).days
    return seen(
        [row["id"]] if days > 365 else [],
        good="The active data key is younger than a year.",
        bad="The active data key is older than a year.",
        days=days,
    )


async def transport(look: Look) -> Observed:
    """Whether callers and mail come and go by TLS, as far as settings say."""
    wrong = [
        *([] if look.installation.public_url.startswith("https://") else ["HARBORGRID_API_PUBLIC_URL"]),
        *([] if look.installation.smtp_starttls else ["HARBORGRID_SMTP_STARTTLS"]),
    ]
    return seen(wrong, good="The API and mail are reached by TLS.", bad="Settings let something travel without TLS.")


async def detection_runs(look: Look) -> Observed:
    """How long the oldest record has waited for detection rules to look at it."""
    waits = round(await unread_seconds(look.session))
    return seen(
        [f"the oldest waits {waits} s"] if waits > _BEHIND_SECONDS else [],
        good="Detection rules have read what was recorded up to ten minutes ago.",
        bad="Detection rules are behind by more than ten minutes.",
        oldest_seconds=waits,
    )


async def dependencies_scanned(look: Look) -> Observed:
    """When dependencies were last looked up, and how fresh the advisories were."""
    scan = await look.session.sql.fetchrow("SELECT * FROM security_dependency_scan ORDER BY id DESC LIMIT 1")
    if scan is None:
        return seen(["no scan"], good="", bad="Dependencies were never looked up.")
    newest = scan["newest_advisory_at"]
    wrong = [
        *(["the scan is older than two days"] if scan["at"] < look.now - timedelta(days=2) else []),
        *(["there were no advisories"] if newest is None else []),
        *(["the newest advisory is older than two weeks"] if newest and newest < look.now - timedelta(14) else []),
    ]
    return seen(
        wrong,
        good=f"{scan['components']} dependencies were compared with {scan['advisories']} advisories.",
        bad=f"Dependencies are not looked up as they should be: {', '.join(wrong)}.",
        scan=scan["id"],
    )


async def card_numbers(look: Look) -> Observed:
    """Events of the last day with something that is a card number by its shape and its check digit."""
    rows = await look.session.sql.fetch(
        "SELECT id, data::text AS text FROM events WHERE tenant_id = $1 AND recorded_at > $2 "
        f"AND data::text ~ '[0-9]{{15}}' ORDER BY xid DESC, seq DESC LIMIT {_EVENTS}",
        look.tenant,
        look.now - timedelta(days=1),
    )
    found = [row["id"] for row in rows if any(is_card_number(each) for each in _CARD.findall(row["text"]))]
    return seen(
        found,
        good="No event of the last day holds a card number.",
        bad=f"{len(found)} events of the last day hold what looks like a card number.",
    )


async def retention_decided(look: Look) -> Observed:
    """Categories without a retention rule."""
    there = await look.ids("SELECT category FROM security_retention_rule WHERE tenant_id = $1", look.tenant)
    missing = [each.value for each in RetentionCategory if each not in there]
    return seen(
        missing,
        good="Every category has a retention rule.",
        bad=f"{len(missing)} categories have no retention rule, and are kept for good.",
    )


def is_card_number(digits: str) -> bool:
    """Whether the last digit checks the others (ISO/IEC 7812-1, the Luhn formula)."""
    doubled = (
        sum(divmod(int(digit) * 2, 10)) if place % 2 else int(digit) for place, digit in enumerate(reversed(digits))
    )
    return sum(doubled) % 10 == 0


COLLECTORS: Mapping[str, Collector] = {
    **ROWS,
    **{
        each.__name__: each
        for each in (
            second_factors,
            isolation,
            audit_sealed,
            audit_whole,
            wrapped_keys,
            data_key_age,
            transport,
            detection_runs,
            dependencies_scanned,
            card_numbers,
            retention_decided,
        )
    },
}
"""By the check that the catalogue names."""
