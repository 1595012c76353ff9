"""What security keeps about a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from adapters.kernel.clock import utc_now
from adapters.postgres.session import Session
from adapters.security.postgres import PostgresSecurityUnitOfWork
from domain.kernel.ids import UserId
from domain.kernel.personal_data import ERASED, IMPERSONAL, Kept, Receipt, Subject
from domain.security.members import remove_member

_PROSE = "holds what administrators write: names of people do not belong there, and are searched for by hand"
_PROOF = "the audit trail proves who did what (GDPR, Articles 5(2) and 17(3)(e)); it names people by ids only"
_AUDIT = "SELECT count(*) FROM security_audit WHERE tenant_id = $1 AND actor_id = $2"
# Of the person in this tenant: by id, or by the address they were invited at. No hashes, keys or secrets.
_IN_TENANT: Mapping[str, str] = {
    "membership": "SELECT role, joined_at FROM security_membership WHERE tenant_id = $1 AND user_id = $2",
    "session": "SELECT id, factors, client_network, user_agent, created_at, last_seen_at, ended_at, end_reason "
    "FROM security_session WHERE tenant_id = $1 AND user_id = $2 ORDER BY id",
    "elevation": "SELECT id, role, reason, status, break_glass, requested_at FROM security_elevation "
    "WHERE tenant_id = $1 AND user_id = $2 ORDER BY id",
    "grant": "SELECT id, client_id, scopes, created_at, revoked_at FROM security_grant "
    "WHERE tenant_id = $1 AND user_id = $2 ORDER BY id",
    "linked_identity": "SELECT provider_id, subject, linked_at FROM security_linked_identity AS l "
    "JOIN security_identity_provider AS p ON p.id = l.provider_id WHERE p.tenant_id = $1 AND l.user_id = $2",
}
_INVITATIONS = (
    "SELECT id, email, role, status, created_at FROM security_invitation WHERE tenant_id = $1 AND address_key = $2"
)
_ACCOUNT: Mapping[str, str] = {
    "account": "SELECT id, name, email, created_at FROM security_user WHERE id = $1",
    "passkey": "SELECT id, name, created_at FROM security_passkey WHERE user_id = $1 ORDER BY id",
    "authenticator_app": "SELECT created_at, confirmed_at FROM security_totp WHERE user_id = $1",
    "password": "SELECT changed_at FROM security_password WHERE user_id = $1",
}
_UNLINKED = """
DELETE FROM security_linked_identity
WHERE user_id = $2 AND provider_id IN (SELECT id FROM security_identity_provider WHERE tenant_id = $1)
"""
_DELETED = (
    "DELETE FROM security_session WHERE tenant_id = $1 AND user_id = $2",
    "DELETE FROM security_elevation WHERE tenant_id = $1 AND user_id = $2",
    "DELETE FROM security_grant WHERE tenant_id = $1 AND user_id = $2",
    _UNLINKED,
    "DELETE FROM security_membership WHERE tenant_id = $1 AND user_id = $2",
)


class SecurityPersonalData:
    """Accounts, memberships, sessions and what hangs on them."""

    module = "security"
    tables: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(
            (
                *("security_user", "security_membership", "security_password", "security_session"),
                *("security_invitation", "security_password_reset", "security_totp", "security_recovery_code"),
                *("security_passkey", "security_passkey_challenge", "security_elevation", "security_grant"),
                *("security_linked_identity", "security_authorization_code", "security_refresh_token"),
                *("security_device_authorization", "security_subject_request", "security_subject_receipt"),
            ),
            ERASED,
        ),
        "security_provider_sign_in": "forgotten within minutes by itself",
        "security_sign_in_try": "holds a keyed hash of the address, and is forgotten within a day by itself",
        **dict.fromkeys(("security_audit", "security_audit_leaf", "security_audit_subtree"), _PROOF),
        "security_audit_checkpoint": _PROOF,
        **dict.fromkeys(("security_risk", "security_evidence", "security_breach"), _PROSE),
        "http_answer": "what a request was answered, for whoever repeats it within a day; gone after it",
        "security_legal_hold": "names whom a matter is about for as long as it lasts (Article 17(3)(e))",
        **dict.fromkeys(
            (
                *("security_api_key", "security_application", "security_client_assertion"),
                *("security_client_certificate", "security_client_secret", "security_data_key"),
                *("security_dependency_scan", "security_detection_hit", "security_detection_rule"),
                *("security_erasure", "security_evidence_collection"),
                *("security_evidence_visit", "security_exchange_key", "security_identity_provider"),
                *("security_network_ban", "security_policy", "security_policy_revision", "security_reencryption"),
                *("security_retention_rule", "security_root_secret", "security_service_account"),
                *("security_signing_key", "security_tenant", "security_threat", "security_threat_response"),
                "spare_schema",
            ),
            IMPERSONAL,
        ),
    }

    async def find(self, session: Session, subject: Subject) -> list[dict[str, Any]]:
        """Everything in this tenant; the account as well, unless it is other tenants' members' alone."""
        found: list[dict[str, Any]] = []
        if not await _only_elsewhere(session, subject):
            for kind, sql in _ACCOUNT.items():
                found += await _told(session, kind, sql, subject.user_id)
        for kind, sql in _IN_TENANT.items():
            found += await _told(session, kind, sql, subject.tenant_id, subject.user_id)
        found += await _told(session, "invitation", _INVITATIONS, subject.tenant_id, subject.address)
        found += await _told(
            session,
            "audit_record",
            "SELECT id, at, action, resource, outcome FROM security_audit WHERE tenant_id = $1 AND actor_id = $2 "
            "ORDER BY id",
            subject.tenant_id,
            subject.user_id,
        )
        return found

    async def erase(self, session: Session, subject: Subject) -> Receipt:
        """Everything in this tenant; the account as well, unless another tenant has it as a member."""
        before = await self.left(session, subject)
        kept: list[Kept] = []
        if subject.user_id is not None:
            await self._leave(session, subject, subject.user_id)
        await session.sql.execute(
            "DELETE FROM security_invitation WHERE tenant_id = $1 AND address_key = $2",
            subject.tenant_id,
            subject.address,
        )
        for sql in _DELETED:
            await session.sql.execute(sql, subject.tenant_id, subject.user_id)
        elsewhere = await session.sql.fetchval(
            "SELECT count(*) FROM security_membership WHERE user_id = $1", subject.user_id
        )
        if elsewhere:
            kept.append(Kept(what="account", count=1, why="the person is a member of other tenants"))
        else:
            await session.sql.execute("DELETE FROM security_user WHERE id = $1", subject.user_id)
        records = await session.sql.fetchval(_AUDIT, subject.tenant_id, subject.user_id)
        if records:
            kept.append(Kept(what="audit records", count=records, why=_PROOF))
        gone = before - await self.left(session, subject)
        return Receipt(module=self.module, found=before + records, erased=gone, kept=tuple(kept))

    async def _leave(self, session: Session, subject: Subject, user_id: UserId) -> None:
        """As any member leaves: sessions, elevations, grants and invitations end, and everybody hears of it.

        Then nobody else's transaction gives the person another membership until this one ends. Raises LastOwner.
        """
        uow = PostgresSecurityUnitOfWork(session)
        if await uow.members.among(subject.tenant_id, [user_id]):
            await remove_member(uow, subject.tenant_id, user_id, by=None, now=utc_now())
        await session.sql.execute("SELECT FROM security_user WHERE id = $1 FOR UPDATE", user_id)

    async def left(self, session: Session, subject: Subject) -> int:
        """Rows about the person in this tenant, and the account's if no other tenant has it."""
        left = 0
        for sql in _IN_TENANT.values():
            left += len(await session.sql.fetch(sql, subject.tenant_id, subject.user_id))
        left += len(await session.sql.fetch(_INVITATIONS, subject.tenant_id, subject.address))
        elsewhere = await session.sql.fetchval(
            "SELECT count(*) FROM security_membership WHERE user_id = $1 AND tenant_id <> $2",
            subject.user_id,
            subject.tenant_id,
        )
        if not elsewhere:
            for sql in _ACCOUNT.values():
                left += len(await session.sql.fetch(sql, subject.user_id))
        return left


async def _only_elsewhere(session: Session, subject: Subject) -> bool:
    """Whether the person is a member of others, and not here: then the account is none of this tenant's business."""
    tenants = await session.sql.fetch("SELECT tenant_id FROM security_membership WHERE user_id = $1", subject.user_id)
    return bool(tenants) and subject.tenant_id not in {row["tenant_id"] for row in tenants}


async def _told(session: Session, kind: str, sql: str, *values: object) -> list[dict[str, Any]]:
    return [{"kind": kind, **dict(row)} for row in await session.sql.fetch(sql, *values)]
