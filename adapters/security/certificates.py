"""Client certificates in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from adapters.postgres.rows import newest_first
from adapters.postgres.session import Session
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.security.ids import ClientCertificateId, ServiceAccountId
from domain.security.oauth import ClientCertificate
from domain.security.oauth_errors import CertificateNotFound

_COLUMNS = (
    "id, tenant_id, service_account_id, thumbprint, subject, issuer, serial, not_before, not_after, created_at, "
    "revoked_at"
)


class PostgresCertificates:
    """Certificates that service accounts come with."""

    def __init__(self, session: Session) -> None:
        self._session, self._sql = session, session.sql

    async def add(self, certificate: ClientCertificate) -> bool:
        """Insert; False if it is registered already."""
        added = await self._sql.fetchval(
            f"INSERT INTO security_client_certificate ({_COLUMNS}) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) "
            "ON CONFLICT (thumbprint) WHERE revoked_at IS NULL DO NOTHING RETURNING true",
            certificate.id,
            certificate.tenant_id,
            certificate.service_account_id,
            bytes.fromhex(certificate.thumbprint),
            certificate.subject,
            certificate.issuer,
            certificate.serial,
            certificate.not_before,
            certificate.not_after,
            certificate.created_at,
            certificate.revoked_at,
        )
        return bool(added)

    async def get(self, tenant: TenantId | None, certificate_id: ClientCertificateId) -> ClientCertificate:
        """Locked until the transaction ends. Raises CertificateNotFound."""
        row = await self._sql.fetchrow(
            f"SELECT {_COLUMNS} FROM security_client_certificate "
            "WHERE id = $1 AND ($2::text IS NULL OR tenant_id = $2) FOR UPDATE",
            certificate_id,
            tenant,
        )
        if row is None:
            raise CertificateNotFound
        return _certificate(row)

    async def revoke(self, certificate_id: ClientCertificateId, *, at: datetime) -> None:
        """Make it useless."""
        await self._sql.execute(
            "UPDATE security_client_certificate SET revoked_at = $2 WHERE id = $1", certificate_id, at
        )

    async def page(
        self,
        tenant: TenantId | None,
        account_id: ServiceAccountId | None,
        *,
        cursor: str | None,
        limit: int,
    ) -> Page[ClientCertificate]:
        """Newest first, revoked ones as well; of one service account, if one is named."""
        return await newest_first(
            self._session,
            "security_client_certificate",
            _certificate,
            where="($1::text IS NULL OR tenant_id = $1) AND ($2::text IS NULL OR service_account_id = $2)",
            values=(tenant, account_id),
            cursor=cursor,
            limit=limit,
        )


def _certificate(row: Any) -> ClientCertificate:
    return ClientCertificate(**{**dict(row), "thumbprint": row["thumbprint"].hex()})
