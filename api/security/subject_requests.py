"""`/v1/security/subject-requests`: a copy of what is kept about a person, or its erasure, by every module."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from pydantic import Field

from adapters.kernel.clock import new_id, utc_now
from api.envelope import Answer, ok
from api.parameters import DEFAULT, Cursor, Email, Limit, Line, World
from api.principals import known_tenant
from api.problems import problems
from api.processes import where_it_stands
from api.routes import Route
from domain.kernel.errors import WorkflowsUnavailable
from domain.kernel.ids import TenantId
from domain.kernel.pagination import Page
from domain.kernel.payload import Body
from domain.security.errors import TenantRequired
from domain.security.ids import SubjectRequestId
from domain.security.permissions import (
    CANCEL_SUBJECT_REQUEST,
    FETCH_SUBJECT_EXPORT,
    MAKE_SUBJECT_REQUEST,
    READ_SUBJECT_REQUESTS,
)
from domain.security.subject_commands import SubjectRequestProgress
from domain.security.subject_errors import (
    DocumentNotThere,
    SubjectRequestNotFound,
    SubjectRequestNotOpen,
    SubjectRequestUnderWay,
)
from domain.security.subject_model import LONGEST_GRACE, SubjectRequest, SubjectRequestKind
from domain.security.subjects import Wish, cancel, new_request, receive
from workflows.security.subject_request import SubjectRequestWorkflow, workflow_id

router = APIRouter(prefix="/v1/security/subject-requests", tags=["security"], route_class=Route)
_ONE = problems(TenantRequired, SubjectRequestNotFound)


class SubjectRequestBody(Body):
    """Who wants what. Make sure that they are who they say (GDPR, Article 12(6)): nothing here does."""

    kind: SubjectRequestKind = Field(examples=["export"])
    email: Email = Field(examples=["ada@example.com"], description="The address that they are known by here.")
    reason: Line = Field(examples=["asked for it by letter of 2026-11-20"])
    grace_days: int = Field(
        default=3, strict=True, ge=0, le=LONGEST_GRACE.days, description="How long an erasure can be cancelled."
    )


@router.get("", response_model=Answer[Page[SubjectRequest]], responses=problems(TenantRequired))
async def list_subject_requests(
    tenant: Annotated[TenantId, known_tenant(READ_SUBJECT_REQUESTS)],
    world: World,
    cursor: Cursor = None,
    limit: Limit = DEFAULT,
) -> Answer[Page[SubjectRequest]]:
    """Newest first, with the receipts of every module."""
    return ok(await world.security(None, lambda uow: uow.subjects.page(tenant, cursor=cursor, limit=limit)))


@router.post(
    "",
    status_code=201,
    response_model=Answer[SubjectRequest],
    responses=problems(TenantRequired, SubjectRequestUnderWay),
)
async def post_subject_request(
    body: SubjectRequestBody, tenant: Annotated[TenantId, known_tenant(MAKE_SUBJECT_REQUEST)], world: World
) -> Answer[SubjectRequest]:
    """Ask every module for a copy, or to erase what it keeps. An erasure waits out its grace, and legal holds."""
    now = utc_now()
    wish = Wish(body.kind, body.email, body.reason, timedelta(days=body.grace_days))
    request = new_request(wish, id=new_id(SubjectRequestId), tenant=tenant, key=world.subjects_key, now=now)
    return ok(await world.security(None, lambda uow: receive(uow, request, body.email, now=now)))


@router.get("/{subject_request_id}", response_model=Answer[SubjectRequest], responses=_ONE)
async def get_subject_request(
    subject_request_id: SubjectRequestId, tenant: Annotated[TenantId, known_tenant(READ_SUBJECT_REQUESTS)], world: World
) -> Answer[SubjectRequest]:
    """One, with its receipts, and the certificate once an erasure is completed."""
    return ok(await world.security(None, lambda uow: uow.subjects.get(tenant, subject_request_id, lock=False)))


@router.post(
    "/{subject_request_id}/cancel",
    response_model=Answer[SubjectRequest],
    responses=problems(TenantRequired, SubjectRequestNotFound, SubjectRequestNotOpen),
)
async def post_subject_request_cancel(
    subject_request_id: SubjectRequestId,
    tenant: Annotated[TenantId, known_tenant(CANCEL_SUBJECT_REQUEST)],
    world: World,
) -> Answer[SubjectRequest]:
    """While it waits."""
    return ok(await world.security(None, lambda uow: cancel(uow, tenant, subject_request_id, now=utc_now())))


@router.get(
    "/{subject_request_id}/document",
    response_class=Response,
    responses={
        200: {
            "description": "Everything that every module keeps about the person (Articles 15 and 20).",
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
        **problems(TenantRequired, SubjectRequestNotFound, DocumentNotThere),
    },
)
async def get_document(
    subject_request_id: SubjectRequestId, tenant: Annotated[TenantId, known_tenant(FETCH_SUBJECT_EXPORT)], world: World
) -> Response:
    """The export, for a week. Who fetches it is in the audit trail."""
    document = await world.subject_steps.document(tenant, subject_request_id)
    await world.audit(tenant, FETCH_SUBJECT_EXPORT.name, subject_request_id)
    return Response(document, media_type="application/json", headers={"Cache-Control": "no-store"})


@router.get(
    "/{subject_request_id}/certificate",
    response_class=PlainTextResponse,
    responses={
        200: {
            "description": "A signed note (C2SP): a line for each module, and our signature, which the key of the "
            "audit checkpoints checks.",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        },
        **problems(TenantRequired, SubjectRequestNotFound, DocumentNotThere),
    },
)
async def get_certificate(
    subject_request_id: SubjectRequestId, tenant: Annotated[TenantId, known_tenant(READ_SUBJECT_REQUESTS)], world: World
) -> PlainTextResponse:
    """That everything was erased, signed. There is none before that is so."""
    request = await world.security(None, lambda uow: uow.subjects.get(tenant, subject_request_id, lock=False))
    if request.certificate is None:
        raise DocumentNotThere(status=request.status.value, kind=request.kind.value)
    return PlainTextResponse(request.certificate)


@router.get(
    "/{subject_request_id}/progress",
    response_model=Answer[SubjectRequestProgress],
    responses=problems(TenantRequired, SubjectRequestNotFound, WorkflowsUnavailable),
)
async def get_subject_request_progress(
    subject_request_id: SubjectRequestId, tenant: Annotated[TenantId, known_tenant(READ_SUBJECT_REQUESTS)], world: World
) -> Answer[SubjectRequestProgress]:
    """Which modules have done their part, and what happens next, and when."""
    there = await world.security(None, lambda uow: uow.subjects.get(tenant, subject_request_id, lock=False))
    before = SubjectRequestProgress(status=there.status.value, next="its process begins")
    return ok(
        await where_it_stands(
            world, workflow_id(tenant, subject_request_id), SubjectRequestWorkflow.progress, before=before
        )
    )
