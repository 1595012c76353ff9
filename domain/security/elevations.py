"""Being more than one is for a while: asked for and approved, or behind broken glass and looked at afterwards.

What is given ends by its own time, whether or not any process lives to see it: a request asks for the role that
holds at that instant. Nothing that outlasts it can be done with it (`Permission.lasting`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId, UserId
from domain.security.audiences import administrators
from domain.security.commands import ElevationAudience, ElevationState, FollowElevation
from domain.security.elevation_events import ElevationBegan, ElevationClosed, ElevationRequested, ElevationReviewed
from domain.security.errors import RoleAboveYours
from domain.security.ids import ElevationId
from domain.security.people import Elevation, ElevationStatus, Role
from domain.security.people_errors import (
    BreakGlassNotAllowed,
    ElevationNotFound,
    ElevationNotOpen,
    ElevationPointless,
    NotYourOwnElevation,
)
from domain.security.permissions import (
    APPROVE_ELEVATION,
    BREAK_GLASS,
    END_ELEVATION,
    REQUEST_ELEVATION,
    REVIEW_ELEVATION,
)
from domain.security.ports import SecurityUnitOfWork

DECIDED_WITHIN = timedelta(hours=24)
LONGEST, LONGEST_BROKEN = timedelta(hours=12), timedelta(hours=1)
_OPEN = (ElevationStatus.REQUESTED, ElevationStatus.ACTIVE)


@dataclass(frozen=True, slots=True)
class Wish:
    """Who wants to be what, why, and for how long."""

    tenant: TenantId
    user_id: UserId
    role: Role
    reason: str
    length: timedelta


async def request(uow: SecurityUnitOfWork, wish: Wish, *, id: ElevationId, now: datetime) -> Elevation:
    """Ask for it. Raises MemberNotFound, ElevationPointless if they are that already, or wait for another."""
    elevation = await _begun(uow, wish, id=id, break_glass=False, now=now)
    await uow.elevations.put(elevation)
    _requested(uow, elevation, now=now)
    _audit(uow, elevation, REQUEST_ELEVATION.name, role=wish.role.value, reason=wish.reason)
    return elevation


async def break_glass(uow: SecurityUnitOfWork, wish: Wish, *, id: ElevationId, now: datetime) -> Elevation:
    """Take it, at once. Raises BreakGlassNotAllowed for who was not chosen before, ElevationPointless."""
    if not await uow.elevations.may_break_glass(wish.tenant, wish.user_id):
        raise BreakGlassNotAllowed
    wanted = await _begun(uow, wish, id=id, break_glass=True, now=now)
    elevation = wanted.model_copy(
        update={"status": ElevationStatus.ACTIVE, "decided_at": now, "expires_at": now + wish.length}
    )
    await uow.elevations.put(elevation)
    _requested(uow, elevation, now=now)
    _began(uow, elevation, now=now)
    _audit(uow, elevation, BREAK_GLASS.name, role=wish.role.value, reason=wish.reason)
    return elevation


async def decide(
    uow: SecurityUnitOfWork,
    tenant: TenantId,
    elevation_id: ElevationId,
    *,
    approved: bool,
    by: UserId,
    now: datetime,
) -> Elevation:
    """Approve or deny it, as somebody else. Approval starts its time.

    Raises ElevationNotFound, ElevationNotOpen, NotYourOwnElevation, RoleAboveYours.
    """
    elevation = await uow.elevations.get(tenant, elevation_id)
    if elevation.user_id == by:
        raise NotYourOwnElevation
    if not (await uow.members.get(tenant, by)).role.covers(elevation.role):
        raise RoleAboveYours
    if elevation.status is not ElevationStatus.REQUESTED or elevation.decide_by <= now:
        raise ElevationNotOpen(status=elevation.status.value)
    status = ElevationStatus.ACTIVE if approved else ElevationStatus.DENIED
    ends = now + timedelta(minutes=elevation.minutes) if approved else None
    decided = elevation.model_copy(update={"status": status, "decided_by": by, "decided_at": now, "expires_at": ends})
    await uow.elevations.put(decided)
    if approved:
        _began(uow, decided, now=now)
    else:
        _closed(uow, decided, now=now)
    _audit(uow, decided, APPROVE_ELEVATION.name, approved=approved)
    return decided


async def end(
    uow: SecurityUnitOfWork, tenant: TenantId | None, elevation_id: ElevationId, *, now: datetime
) -> Elevation:
    """Take it back before its time, from the next request on. Raises ElevationNotFound, ElevationNotOpen."""
    elevation = await uow.elevations.get(tenant, elevation_id)
    if elevation.status not in _OPEN:
        raise ElevationNotOpen(status=elevation.status.value)
    return await _close(uow, elevation, ElevationStatus.ENDED, now=now)


async def end_all(uow: SecurityUnitOfWork, tenant: TenantId, user_id: UserId, *, now: datetime) -> None:
    """For who is no longer a member."""
    for elevation in await uow.elevations.open_of(tenant, user_id):
        await _close(uow, elevation, ElevationStatus.ENDED, now=now)


async def review(
    uow: SecurityUnitOfWork, tenant: TenantId, elevation_id: ElevationId, *, by: UserId, note: str, now: datetime
) -> Elevation:
    """Somebody else has looked at what was done. Raises ElevationNotFound, ElevationNotOpen, NotYourOwnElevation."""
    elevation = await uow.elevations.get(tenant, elevation_id)
    if elevation.user_id == by:
        raise NotYourOwnElevation
    if not elevation.break_glass or elevation.status in _OPEN or elevation.reviewed_at is not None:
        raise ElevationNotOpen(status=elevation.status.value)
    reviewed = elevation.model_copy(update={"reviewed_by": by, "reviewed_at": now, "review_note": note})
    await uow.elevations.put(reviewed)
    uow.events.append(
        ElevationReviewed(tenant_id=tenant, elevation_id=elevation_id, reviewed_by=by, occurred_at=now), tenant=tenant
    )
    _audit(uow, reviewed, REVIEW_ELEVATION.name, note=note)
    return reviewed


_FORGOTTEN = ElevationState(
    status=ElevationStatus.ENDED.value,
    break_glass=False,
    role="",
    reason="",
    decide_by=datetime.min.replace(tzinfo=UTC),
    expires_at=None,
    reviewed=True,
)


async def settle(uow: SecurityUnitOfWork, cmd: FollowElevation, *, now: datetime) -> ElevationState:
    """Close what is over by its time; where it stands. For the workflow that waits.

    One whose person was erased is over, and there is nobody to review any more.
    """
    try:
        elevation = await uow.elevations.get(cmd.tenant_id, cmd.elevation_id)
    except ElevationNotFound:
        return _FORGOTTEN.model_copy(update={"decide_by": now})
    if elevation.status is ElevationStatus.REQUESTED and elevation.decide_by <= now:
        elevation = await _close(uow, elevation, ElevationStatus.EXPIRED, now=now)
    elif elevation.status is ElevationStatus.ACTIVE and elevation.expires_at and elevation.expires_at <= now:
        elevation = await _close(uow, elevation, ElevationStatus.ENDED, now=now)
    return ElevationState(
        status=elevation.status.value,
        break_glass=elevation.break_glass,
        role=elevation.role.value,
        reason=elevation.reason,
        decide_by=elevation.decide_by,
        expires_at=elevation.expires_at,
        reviewed=elevation.reviewed_at is not None,
    )


async def _begun(
    uow: SecurityUnitOfWork, wish: Wish, *, id: ElevationId, break_glass: bool, now: datetime
) -> Elevation:
    await uow.members.hold(wish.tenant)
    member = await uow.members.get(wish.tenant, wish.user_id)
    if member.role.covers(wish.role):
        raise ElevationPointless("you are that already")
    still = [each for each in await uow.elevations.open_of(wish.tenant, wish.user_id) if _lives(each, now)]
    if still:
        raise ElevationPointless("another of yours is open; end it first", elevation_id=still[0].id)
    return Elevation(
        id=id,
        tenant_id=wish.tenant,
        user_id=wish.user_id,
        role=wish.role,
        reason=wish.reason,
        minutes=int(wish.length.total_seconds() // 60),
        break_glass=break_glass,
        status=ElevationStatus.REQUESTED,
        requested_at=now,
        decide_by=now + DECIDED_WITHIN,
    )


def _lives(elevation: Elevation, now: datetime) -> bool:
    ends = elevation.expires_at if elevation.status is ElevationStatus.ACTIVE else elevation.decide_by
    return ends is not None and ends > now


async def _close(uow: SecurityUnitOfWork, elevation: Elevation, status: ElevationStatus, *, now: datetime) -> Elevation:
    closed = elevation.model_copy(update={"status": status, "ended_at": now})
    await uow.elevations.put(closed)
    _closed(uow, closed, now=now)
    _audit(uow, closed, END_ELEVATION.name, outcome=status.value)
    return closed


def _requested(uow: SecurityUnitOfWork, elevation: Elevation, *, now: datetime) -> None:
    uow.events.append(
        ElevationRequested(
            tenant_id=elevation.tenant_id,
            elevation_id=elevation.id,
            user_id=elevation.user_id,
            role=elevation.role.value,
            break_glass=elevation.break_glass,
            decide_by=elevation.decide_by,
            occurred_at=now,
        ),
        tenant=elevation.tenant_id,
    )


def _began(uow: SecurityUnitOfWork, elevation: Elevation, *, now: datetime) -> None:
    assert elevation.expires_at is not None, "what has begun ends"
    uow.events.append(
        ElevationBegan(
            tenant_id=elevation.tenant_id,
            elevation_id=elevation.id,
            user_id=elevation.user_id,
            role=elevation.role.value,
            break_glass=elevation.break_glass,
            expires_at=elevation.expires_at,
            occurred_at=now,
        ),
        tenant=elevation.tenant_id,
    )


def _closed(uow: SecurityUnitOfWork, elevation: Elevation, *, now: datetime) -> None:
    uow.events.append(
        ElevationClosed(
            tenant_id=elevation.tenant_id,
            elevation_id=elevation.id,
            user_id=elevation.user_id,
            outcome=elevation.status.value,
            occurred_at=now,
        ),
        tenant=elevation.tenant_id,
    )


def _audit(uow: SecurityUnitOfWork, elevation: Elevation, action: str, **details: object) -> None:
    uow.audit.record(
        AuditEntry(
            tenant_id=elevation.tenant_id,
            action=action,
            resource=elevation.id,
            details={"user": elevation.user_id, **details},
        )
    )


async def audience(uow: SecurityUnitOfWork, cmd: FollowElevation) -> ElevationAudience:
    """Who can approve, end or review it: nobody of that rank but the one whom it is about."""
    elevation = await uow.elevations.get(cmd.tenant_id, cmd.elevation_id)
    account = await uow.users.account_of(elevation.user_id)
    told = await administrators(uow, cmd.tenant_id, role=elevation.role, but=elevation.user_id)
    return ElevationAudience(
        organisation=told.organisation, locale=told.locale, people=told.people, who=account.user.name
    )
