"""Signing in at somebody else's: OpenID Connect providers that a tenant has named for its members."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

from domain.kernel.audit import AuditEntry, Outcome
from domain.kernel.ids import TenantId, UserId
from domain.security.errors import RoleAboveYours
from domain.security.ids import IdentityProviderId, ProviderSignInId
from domain.security.invitations import admit
from domain.security.oauth import IdentityProvider, ProviderSignIn, refusal_of
from domain.security.oauth_errors import IdentityProviderInvalid
from domain.security.people import Account, Role, User, address_key
from domain.security.people_errors import NotAMember, ProviderAnswerRefused
from domain.security.permissions import DISABLE_IDENTITY_PROVIDER, REGISTER_IDENTITY_PROVIDER
from domain.security.ports import SecurityUnitOfWork
from domain.security.tokens import PROVIDER_SIGN_IN, SECRET_BYTES

SIGN_IN_LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a provider says of itself (OpenID Connect Discovery 1.0)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str | None


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a provider says somebody is. email: None unless the provider has verified it."""

    subject: str
    email: str | None
    name: str


class Federation(Protocol):
    """Speaks with providers."""

    async def metadata(self, issuer: str) -> Metadata:
        """Raises IdentityProviderInvalid if it says nothing usable, ProviderUnreachable."""
        ...

    async def identity(self, provider: IdentityProvider, sign_in: ProviderSignIn, code: str) -> Identity:
        """Exchange a code, and believe what is signed. Raises ProviderAnswerRefused, ProviderUnreachable."""
        ...


def validate(provider: IdentityProvider) -> None:
    """Raises IdentityProviderInvalid with everything that does not fit together, RoleAboveYours for owners."""
    problems = [f"{uri} {refused}" for uri in provider.redirect_uris if (refused := refusal_of(uri))]
    if not provider.redirect_uris:
        problems.append("redirectUris: where people come back to")
    if not _is_issuer(provider.issuer):
        problems.append("issuer is no issuer's address")
    if (provider.join_as is None) != (not provider.domains):
        problems.append("joinAs and domains go together")
    if problems:
        raise IdentityProviderInvalid(problems=problems)
    if provider.join_as is Role.OWNER:
        raise RoleAboveYours("nobody becomes an owner by signing in")


async def register(uow: SecurityUnitOfWork, provider: IdentityProvider) -> None:
    """Let members sign in there."""
    await uow.identity_providers.put(provider)
    uow.audit.record(
        AuditEntry(
            tenant_id=provider.tenant_id,
            action=REGISTER_IDENTITY_PROVIDER.name,
            resource=provider.id,
            details={"issuer": provider.issuer},
        )
    )


async def disable(
    uow: SecurityUnitOfWork, tenant: TenantId | None, provider_id: IdentityProviderId, *, now: datetime
) -> IdentityProvider:
    """Nobody signs in there any more; sessions go on until they end. Raises IdentityProviderNotFound."""
    provider = await uow.identity_providers.get(tenant, provider_id)
    if provider.disabled_at is not None:
        return provider
    disabled = provider.model_copy(update={"disabled_at": now})
    await uow.identity_providers.put(disabled)
    uow.audit.record(
        AuditEntry(tenant_id=provider.tenant_id, action=DISABLE_IDENTITY_PROVIDER.name, resource=provider_id)
    )
    return disabled


async def begin(
    uow: SecurityUnitOfWork,
    provider: IdentityProvider,
    metadata: Metadata,
    redirect_uri: str,
    *,
    sign_in_id: ProviderSignInId,
    randomness: bytes,
    now: datetime,
) -> tuple[str, str]:
    """Where to send somebody, and the `state` they come back with. `randomness`: 3 * SECRET_BYTES fresh bytes.

    Raises IdentityProviderInvalid if people may not come back there.
    """
    if redirect_uri not in provider.redirect_uris:
        raise IdentityProviderInvalid(problems=["redirectUri is not one that was registered"])
    parts = [randomness[place : place + SECRET_BYTES] for place in range(0, 3 * SECRET_BYTES, SECRET_BYTES)]
    state, secret_hash = PROVIDER_SIGN_IN.mint(sign_in_id, parts[0])
    nonce, verifier = _text(parts[1]), _text(parts[2])
    sign_in = ProviderSignIn(
        id=sign_in_id,
        provider_id=provider.id,
        redirect_uri=redirect_uri,
        nonce=nonce,
        code_verifier=verifier,
        created_at=now,
        expires_at=now + SIGN_IN_LIFETIME,
    )
    await uow.identity_providers.add_sign_in(sign_in, secret_hash)
    query = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": "openid email profile",
        "state": state,
        "nonce": nonce,
        "code_challenge": _text(hashlib.sha256(verifier.encode()).digest()),
        "code_challenge_method": "S256",
    }
    joined = "&" if "?" in metadata.authorization_endpoint else "?"
    return f"{metadata.authorization_endpoint}{joined}{urlencode(query)}", state


async def person_of(
    uow: SecurityUnitOfWork, provider: IdentityProvider, identity: Identity, *, fresh: UserId, now: datetime
) -> Account:
    """Who it is here: whom it was the last time, or who has the verified address. `fresh`: an id for a new person.

    Raises NotAMember, ProviderAnswerRefused if the provider has not verified any address.
    """
    known = await uow.identity_providers.linked(provider.id, identity.subject)
    if known is None:
        if identity.email is None:
            raise ProviderAnswerRefused(reason="it has not verified the person's e-mail address")
        known = await _newcomer(uow, provider, identity.email, identity.name, fresh=fresh, now=now)
        await uow.identity_providers.link(provider.id, identity.subject, known, at=now)
        uow.audit.record(
            AuditEntry(
                tenant_id=provider.tenant_id,
                action="security.link_identity",
                resource=known,
                details={"provider": provider.id, "subject": identity.subject},
            )
        )
    account = await uow.users.hold(known)
    if all(membership.tenant_id != provider.tenant_id for membership in account.memberships):
        raise NotAMember(tenants=[])
    return account


async def _newcomer(
    uow: SecurityUnitOfWork, provider: IdentityProvider, email: str, name: str, *, fresh: UserId, now: datetime
) -> UserId:
    account = await uow.users.account(address_key(email))
    tenant = provider.tenant_id
    if account is not None and any(each.tenant_id == tenant for each in account.memberships):
        return account.user.id
    # Who has an account already has others who know them: they join by an invitation, which they can leave unread.
    if account is not None or provider.join_as is None or address_key(email).rpartition("@")[2] not in provider.domains:
        raise NotAMember(tenants=[])
    person = User(id=fresh, name=name, email=email, created_at=now)
    member = await admit(uow, tenant, person, provider.join_as, now=now)
    details = {"provider": provider.id, "role": provider.join_as.value}
    uow.audit.record(AuditEntry(tenant_id=tenant, action="security.join_by_provider", resource=member, details=details))
    return member


async def record_refusal(uow: SecurityUnitOfWork, provider: IdentityProvider, reason: str) -> None:
    """Somebody came back from the provider and was not let in."""
    uow.audit.record(
        AuditEntry(
            tenant_id=provider.tenant_id,
            action="security.sign_in",
            resource=provider.id,
            outcome=Outcome.DENIED,
            details={"reason": reason},
        )
    )


def claims_of(claims: dict[str, Any]) -> Identity:
    """Whom the claims are about. Raises ProviderAnswerRefused."""
    subject, email, name = claims.get("sub"), claims.get("email"), claims.get("name")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not subject.isprintable():
        raise ProviderAnswerRefused(reason="it names no subject")
    verified = (
        claims.get("email_verified") is True
        and isinstance(email, str)
        and 3 <= len(email) <= 254
        and email.isprintable()
    )
    told = str(email) if verified else None
    named = name if isinstance(name, str) and name.strip() and name.isprintable() else None
    return Identity(subject, told, (named or (told or subject).partition("@")[0])[:200])


def _is_issuer(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and not parts.query and not parts.fragment
    except ValueError:
        return False


def _text(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()
