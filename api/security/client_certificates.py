"""`/v1/security/client-certificates`: what service accounts come with over mutual TLS."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Limit, World
from api.principals import may, visible_tenant
from api.problems import problems
from api.routes import Route
from api.security.members import role_of
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.payload import Body
from domain.security.certificates import register, revoke
from domain.security.errors import RoleAboveYours
from domain.security.ids import ClientCertificateId, ServiceAccountId
from domain.security.model import Principal
from domain.security.oauth import ClientCertificate
from domain.security.oauth_errors import (
    CertificateInvalid,
    CertificateKnown,
    CertificateNotFound,
    ServiceAccountNotFound,
    ServiceAccountUnusable,
)
from domain.security.permissions import READ_CERTIFICATES, REGISTER_CERTIFICATE, REVOKE_CERTIFICATE

router = APIRouter(prefix="/v1/security/client-certificates", tags=["security"], route_class=Route)


class CertificateBody(Body):
    """Whose it is, and the certificate itself."""

    service_account_id: ServiceAccountId = Field(examples=["sva_01h455vb4pex5vsknk084sn02q"])
    certificate: Annotated[str, StringConstraints(max_length=20_000)] = Field(
        description="PEM, of the program alone.", examples=["-----BEGIN CERTIFICATE-----\nMIIB…"]
    )


@router.get("", response_model=Answer[Page[ClientCertificate]])
async def list_certificates(
    tenant: Annotated[TenantId | None, visible_tenant(READ_CERTIFICATES)],
    world: World,
    service_account_id: Annotated[
        ServiceAccountId | None, Query(alias="serviceAccountId", description="Of this service account only.")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[ClientCertificate]]:
    """Certificates, newest first, revoked and expired ones as well."""
    return ok(
        await world.security(
            tenant, lambda uow: uow.certificates.page(tenant, service_account_id, cursor=cursor, limit=limit)
        )
    )


@router.post(
    "",
    status_code=201,
    response_model=Answer[ClientCertificate],
    responses=problems(
        CertificateInvalid, CertificateKnown, ServiceAccountNotFound, ServiceAccountUnusable, RoleAboveYours
    ),
)
async def post_certificate(
    body: CertificateBody, caller: Annotated[Principal, may(REGISTER_CERTIFICATE)], world: World
) -> Answer[ClientCertificate]:
    """Let a service account come with this certificate, until it expires."""
    return ok(
        await world.security(
            caller.tenant_id,
            lambda uow: register(
                uow,
                caller.tenant_id,
                body.service_account_id,
                body.certificate,
                by=role_of(caller),
                certificate_id=new_id(ClientCertificateId),
                now=utc_now(),
            ),
        )
    )


@router.post(
    "/{certificate_id}/revoke", response_model=Answer[ClientCertificate], responses=problems(CertificateNotFound)
)
async def post_revoke(
    certificate_id: ClientCertificateId, caller: Annotated[Principal, may(REVOKE_CERTIFICATE)], world: World
) -> Answer[ClientCertificate]:
    """Nobody comes with it any more, from the next request on."""
    revoked = await world.security(
        caller.tenant_id, lambda uow: revoke(uow, caller.tenant_id, certificate_id, now=utc_now())
    )
    world.revocations.tell(certificate_id)
    return ok(revoked)
