"""X.509 certificates of programs (RFC 5280): a service account comes with one that was registered for it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId
from domain.security.errors import RoleAboveYours
from domain.security.ids import ClientCertificateId, ServiceAccountId
from domain.security.oauth import ClientCertificate
from domain.security.oauth_errors import CertificateInvalid, CertificateKnown, ServiceAccountUnusable
from domain.security.people import Role
from domain.security.permissions import REGISTER_CERTIFICATE, REVOKE_CERTIFICATE
from domain.security.ports import SecurityUnitOfWork

LEAST_RSA_BITS, LEAST_CURVE_BITS = 2048, 256


@dataclass(frozen=True, slots=True)
class Facts:
    """What a certificate says. thumbprint: SHA-256 of its DER (`x5t#S256` of RFC 8705); serial: in hexadecimal."""

    thumbprint: bytes
    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime


def thumbprint(der: bytes) -> bytes:
    """SHA-256 of the certificate's DER, 32 bytes."""
    return hashlib.sha256(der).digest()


def read(pem: str, *, now: datetime) -> Facts:
    """A certificate that a program could come with. Raises CertificateInvalid."""
    try:
        certificates = x509.load_pem_x509_certificates(pem.encode())
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        raise CertificateInvalid(reason="it is no certificate in PEM") from None
    if len(certificates) != 1:
        raise CertificateInvalid(reason="send the program's own certificate, without those of its issuers")
    [certificate] = certificates
    try:
        problem = _problem(certificate, now)
        subject, issuer = certificate.subject.rfc4514_string(), certificate.issuer.rfc4514_string()
    except (
        ValueError,
        UnsupportedAlgorithm,
        x509.DuplicateExtension,
        x509.InvalidVersion,
        x509.UnsupportedGeneralNameType,
    ):
        raise CertificateInvalid(reason="its fields cannot be read") from None
    if problem is not None:
        raise CertificateInvalid(reason=problem)
    return Facts(
        thumbprint=thumbprint(certificate.public_bytes(Encoding.DER)),
        subject=subject,
        issuer=issuer,
        serial=f"{certificate.serial_number:x}",
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
    )


async def register(
    uow: SecurityUnitOfWork,
    tenant: TenantId | None,
    account_id: ServiceAccountId,
    pem: str,
    *,
    by: Role | None,
    certificate_id: ClientCertificateId,
    now: datetime,
) -> ClientCertificate:
    """Let a service account come with this certificate. `by`: the caller's own role; None is the operator.

    Raises CertificateInvalid, CertificateKnown, ServiceAccountNotFound, ServiceAccountUnusable, RoleAboveYours.
    """
    facts = read(pem, now=now)
    account = await uow.service_accounts.get(tenant, account_id)
    if account.disabled_at is not None:
        raise ServiceAccountUnusable
    if by is not None and not by.covers(account.role):
        raise RoleAboveYours
    certificate = ClientCertificate(
        id=certificate_id,
        tenant_id=account.tenant_id,
        service_account_id=account_id,
        thumbprint=facts.thumbprint.hex(),
        subject=facts.subject,
        issuer=facts.issuer,
        serial=facts.serial,
        not_before=facts.not_before,
        not_after=facts.not_after,
        created_at=now,
    )
    if not await uow.certificates.add(certificate):
        raise CertificateKnown
    uow.audit.record(
        AuditEntry(
            tenant_id=account.tenant_id,
            action=REGISTER_CERTIFICATE.name,
            resource=certificate_id,
            details={"serviceAccount": account_id, "thumbprint": certificate.thumbprint},
        )
    )
    return certificate


async def revoke(
    uow: SecurityUnitOfWork, tenant: TenantId | None, certificate_id: ClientCertificateId, *, now: datetime
) -> ClientCertificate:
    """Nobody comes with it any more, from the next request on. Raises CertificateNotFound."""
    certificate = await uow.certificates.get(tenant, certificate_id)
    if certificate.revoked_at is not None:
        return certificate
    await uow.certificates.revoke(certificate_id, at=now)
    uow.audit.record(
        AuditEntry(tenant_id=certificate.tenant_id, action=REVOKE_CERTIFICATE.name, resource=certificate_id)
    )
    return certificate.model_copy(update={"revoked_at": now})


def _problem(certificate: x509.Certificate, now: datetime) -> str | None:
    """Why no program could come with it."""
    if certificate.not_valid_after_utc <= now:
        return "it has expired"
    key = certificate.public_key()
    if isinstance(key, RSAPublicKey):
        weak = key.key_size < LEAST_RSA_BITS
    elif isinstance(key, EllipticCurvePublicKey):
        weak = key.curve.key_size < LEAST_CURVE_BITS
    else:
        weak = not isinstance(key, Ed25519PublicKey | Ed448PublicKey)
    if weak:
        return f"its key is weaker than RSA with {LEAST_RSA_BITS} bits or a curve with {LEAST_CURVE_BITS}"
    extensions = {extension.oid: extension.value for extension in certificate.extensions}
    basic = extensions.get(x509.BasicConstraints.oid)
    if isinstance(basic, x509.BasicConstraints) and basic.ca:
        return "it is an authority's: programs come with their own"
    usage = extensions.get(x509.ExtendedKeyUsage.oid)
    if isinstance(usage, x509.ExtendedKeyUsage) and ExtendedKeyUsageOID.CLIENT_AUTH not in usage:
        return "it is not for clients (extended key usage)"
    return None
