"""What is done about threats: contained at once or once approved, told, and closed."""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import ip_network

from domain.kernel.audit import AuditEntry
from domain.kernel.ids import TenantId
from domain.security.audiences import administrators
from domain.security.commands import Audience, FollowThreat, ThreatState
from domain.security.detection import Detections, built_in
from domain.security.ids import ApiKeyId, NetworkBanId, ThreatId
from domain.security.members import end_other_sessions
from domain.security.people import EndReason
from domain.security.permissions import (
    ADD_DETECTION_RULE,
    BAN_NETWORK,
    CHANGE_THREAT_RESPONSE,
    CLOSE_THREAT,
    CONTAIN_THREAT,
    DELETE_DETECTION_RULE,
    LIFT_NETWORK_BAN,
)
from domain.security.ports import SecurityUnitOfWork
from domain.security.service import revoke_api_key
from domain.security.threat_errors import (
    DetectionRuleExists,
    DetectionRuleNotFound,
    NetworkBanNotFound,
    ThreatNotOpen,
    TooManyDetectionRules,
)
from domain.security.threat_events import ThreatClosed, ThreatContained
from domain.security.threat_model import (
    DetectionRule,
    NetworkBan,
    Response,
    Threat,
    ThreatResponse,
    ThreatStatus,
    Verdict,
)

LAPSES_AFTER = timedelta(days=7)
MOST_RULES = 200
_TO_DECIDE = (ThreatStatus.OPEN, ThreatStatus.AWAITING_APPROVAL)


async def settle(uow: SecurityUnitOfWork, cmd: FollowThreat, *, ban_id: NetworkBanId, now: datetime) -> ThreatState:
    """Contain a threat that needs nobody's approval, close one that has lapsed; where it stands. May be done again.

    Raises ThreatNotFound.
    """
    threat = await uow.threats.get(None, cmd.threat_id)
    if threat.status is ThreatStatus.OPEN:
        if threat.respond and await _needs_approval(uow, threat):
            threat = threat.model_copy(update={"status": ThreatStatus.AWAITING_APPROVAL})
            await uow.threats.put(threat)
        else:
            threat = await _contain(uow, threat, ban_id=ban_id, now=now)
    elif threat.status is ThreatStatus.CONTAINED and threat.last_seen_at + LAPSES_AFTER <= now:
        threat = await _close(uow, threat, Verdict.LAPSED, None, now=now)
    await uow.threats.followed(threat.id, at=now)
    return ThreatState(
        tenant_id=threat.tenant_id,
        status=threat.status.value,
        severity=threat.severity.value,
        title=threat.title,
        done=tuple(each.value for each in threat.done),
        proposed=tuple(each.value for each in threat.respond),
        lapses_at=threat.last_seen_at + LAPSES_AFTER,
    )


async def approve(
    uow: SecurityUnitOfWork, tenant: TenantId | None, threat_id: ThreatId, *, ban_id: NetworkBanId, now: datetime
) -> Threat:
    """Do now what the rule proposes. Raises ThreatNotFound, ThreatNotOpen."""
    threat = await uow.threats.get(tenant, threat_id)
    if threat.status not in _TO_DECIDE:
        raise ThreatNotOpen(status=threat.status.value)
    return await _contain(uow, threat, ban_id=ban_id, now=now)


async def close(
    uow: SecurityUnitOfWork,
    tenant: TenantId | None,
    threat_id: ThreatId,
    verdict: Verdict,
    note: str | None,
    *,
    now: datetime,
) -> Threat:
    """Say what it was; what was banned for a mistake is lifted. Raises ThreatNotFound, ThreatNotOpen."""
    threat = await uow.threats.get(tenant, threat_id)
    if threat.status is ThreatStatus.CLOSED:
        raise ThreatNotOpen(status=threat.status.value)
    if verdict is Verdict.FALSE_POSITIVE:
        for ban in await uow.bans.of(threat_id):
            await _lift(uow, ban, now=now)
    return await _close(uow, threat, verdict, note, now=now)


async def change_response(uow: SecurityUnitOfWork, tenant: TenantId, wanted: ThreatResponse) -> None:
    """Answer threats like this from now on."""
    await uow.threats.put_response(tenant, wanted)
    details = {"approval": wanted.approval}
    uow.audit.record(AuditEntry(tenant_id=tenant, action=CHANGE_THREAT_RESPONSE.name, resource=tenant, details=details))


async def add_rule(
    uow: SecurityUnitOfWork, tenant: TenantId, text: str, detections: Detections, *, now: datetime
) -> DetectionRule:
    """Keep rules of a tenant's own, under the id of the first that speaks.

    Raises DetectionRuleExists, TooManyDetectionRules.
    """
    await uow.tenants.hold(tenant)
    if len(await uow.detection_rules.all(tenant)) >= MOST_RULES:
        raise TooManyDetectionRules(most=MOST_RULES)
    first = detections.speaking[0]
    if first.rule_id in built_in().answers:
        raise DetectionRuleExists
    rule = DetectionRule(id=first.rule_id, tenant_id=tenant, title=first.title, text=text, created_at=now)
    await uow.detection_rules.add(rule)
    details = {"title": rule.title}
    uow.audit.record(AuditEntry(tenant_id=tenant, action=ADD_DETECTION_RULE.name, resource=rule.id, details=details))
    return rule


async def remove_rule(uow: SecurityUnitOfWork, tenant: TenantId, rule_id: str) -> DetectionRule:
    """Use them no more. Raises DetectionRuleNotFound."""
    found = next((each for each in await uow.detection_rules.all(tenant) if each.id == rule_id), None)
    if found is None:
        raise DetectionRuleNotFound
    await uow.detection_rules.remove(tenant, rule_id)
    uow.audit.record(AuditEntry(tenant_id=tenant, action=DELETE_DETECTION_RULE.name, resource=rule_id))
    return found


async def audience(uow: SecurityUnitOfWork, cmd: FollowThreat) -> Audience:
    """The owners and administrators of the tenant that a threat is about."""
    threat = await uow.threats.get(None, cmd.threat_id)
    assert threat.tenant_id is not None, "of the platform's threats, metrics and logs tell"
    return await administrators(uow, threat.tenant_id)


async def ban(uow: SecurityUnitOfWork, wanted: NetworkBan) -> NetworkBan:
    """Let nobody sign in from there."""
    await uow.bans.put(wanted)
    details = {"network": wanted.network, "until": wanted.expires_at.isoformat(), "reason": wanted.reason}
    uow.audit.record(
        AuditEntry(tenant_id=wanted.tenant_id, action=BAN_NETWORK.name, resource=wanted.id, details=details)
    )
    return wanted


async def lift(uow: SecurityUnitOfWork, tenant: TenantId | None, ban_id: NetworkBanId, *, now: datetime) -> NetworkBan:
    """Let people sign in from there again; once more changes nothing. Raises NetworkBanNotFound."""
    found = await uow.bans.get(tenant, ban_id)
    if tenant is not None and found.tenant_id is None:
        raise NetworkBanNotFound
    return await _lift(uow, found, now=now)


async def _lift(uow: SecurityUnitOfWork, there: NetworkBan, *, now: datetime) -> NetworkBan:
    if there.lifted_at is not None:
        return there
    lifted = there.model_copy(update={"lifted_at": now})
    await uow.bans.put(lifted)
    uow.audit.record(AuditEntry(tenant_id=there.tenant_id, action=LIFT_NETWORK_BAN.name, resource=there.id))
    return lifted


async def _needs_approval(uow: SecurityUnitOfWork, threat: Threat) -> bool:
    if threat.approval or threat.tenant_id is None:
        return threat.approval
    return (await uow.threats.response(threat.tenant_id)).approval


async def _contain(uow: SecurityUnitOfWork, threat: Threat, *, ban_id: NetworkBanId, now: datetime) -> Threat:
    done = tuple([each for each in threat.respond if await _do(uow, threat, each, ban_id=ban_id, now=now)])
    contained = threat.model_copy(update={"status": ThreatStatus.CONTAINED, "done": done, "contained_at": now})
    await uow.threats.put(contained)
    named = tuple(each.value for each in done)
    uow.events.append(
        ThreatContained(tenant_id=threat.tenant_id, threat_id=threat.id, done=named, occurred_at=now),
        tenant=threat.tenant_id,
    )
    uow.audit.record(
        AuditEntry(
            tenant_id=threat.tenant_id, action=CONTAIN_THREAT.name, resource=threat.id, details={"done": list(named)}
        )
    )
    return contained


async def _do(
    uow: SecurityUnitOfWork, threat: Threat, response: Response, *, ban_id: NetworkBanId, now: datetime
) -> bool:
    """Whether there was somebody to do it to."""
    user, actor = threat.user_id, threat.actor_id or ""
    match response:
        case Response.BAN_NETWORK if threat.client_network is not None and not _is_here(threat.client_network):
            await ban(
                uow,
                NetworkBan(
                    id=ban_id,
                    tenant_id=threat.tenant_id,
                    network=threat.client_network,
                    reason=threat.title,
                    threat_id=threat.id,
                    created_at=now,
                    expires_at=now + timedelta(minutes=threat.ban_minutes),
                ),
            )
        case Response.REVOKE_SESSIONS if user is not None:
            await end_other_sessions(uow, user, tenant=threat.tenant_id, keep=None, reason=EndReason.THREAT, now=now)
        case Response.STEP_UP if user is not None:
            await uow.sessions.forget_proofs(user, tenant=threat.tenant_id)
        case Response.REVOKE_KEY if actor.startswith(f"{ApiKeyId.prefix}_"):
            await revoke_api_key(uow, threat.tenant_id, ApiKeyId(actor), reason=threat.id, now=now)
        case _:
            return False
    return True


def _is_here(network: str) -> bool:
    """Whether it is this machine: then a proxy's address is not told, or somebody tries things out."""
    return ip_network(network, strict=False).is_loopback


async def _close(
    uow: SecurityUnitOfWork, threat: Threat, verdict: Verdict, note: str | None, *, now: datetime
) -> Threat:
    closed = threat.model_copy(
        update={"status": ThreatStatus.CLOSED, "verdict": verdict, "note": note, "closed_at": now}
    )
    await uow.threats.put(closed)
    uow.events.append(
        ThreatClosed(tenant_id=threat.tenant_id, threat_id=threat.id, verdict=verdict.value, occurred_at=now),
        tenant=threat.tenant_id,
    )
    details = {"verdict": verdict.value, "note": note}
    uow.audit.record(
        AuditEntry(tenant_id=threat.tenant_id, action=CLOSE_THREAT.name, resource=threat.id, details=details)
    )
    return closed
