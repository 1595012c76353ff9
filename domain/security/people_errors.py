"""Refusals about people: signing in, belonging, proving who they are, and being more for a while."""

from domain.kernel.errors import Conflict, Forbidden, NotFound, Refused, TooManyRequests, Unauthenticated, Unavailable


class SignInRefused(Unauthenticated):
    """This address and password do not belong together."""

    code = "security.sign_in_refused"
    hint = "Check both; POST /v1/security/password-resets mails a link to set a new password."


class TooManyTries(TooManyRequests):
    """Too many sign-ins failed."""

    code = "security.too_many_tries"
    hint = "Wait for as many seconds as Retry-After says. A password set by a mailed link ends the wait."


class NotAMember(Forbidden):
    """You are not a member of this tenant."""

    code = "security.not_a_member"
    hint = "Name one of the tenants in details, or ask an administrator there for an invitation."


class SeveralTenants(Conflict):
    """You are a member of several tenants."""

    code = "security.several_tenants"
    hint = "Name one of those in details as tenantId."


class SessionNotFound(NotFound):
    """There is no such session for this caller."""

    code = "security.session_not_found"
    hint = "GET /v1/security/sessions/mine lists your own, GET /v1/security/sessions those of the tenant."


class MemberNotFound(NotFound):
    """There is no such member for this caller."""

    code = "security.member_not_found"
    hint = "GET /v1/security/members lists them."


class LastOwner(Conflict):
    """A tenant has at least one owner, and this is the only one."""

    code = "security.last_owner"
    hint = "Make another member an owner first."


class PasswordTooWeak(Refused):
    """This password is easy to guess."""

    code = "security.password_too_weak"
    status = 422
    hint = "A few uncommon words in a row are strong and easy to remember; details has suggestions."


class PasswordWrong(Forbidden):
    """The current password is another one."""

    code = "security.password_wrong"
    hint = "Send the password you signed in with; POST /v1/security/password-resets mails a link if it is lost."


class PasswordRequired(Refused):
    """You have no password yet, so choose one."""

    code = "security.password_required"
    status = 422
    hint = "Send one as password."


class LinkInvalid(Refused):
    """This link is not one of ours, was used before, or has ended."""

    code = "security.link_invalid"
    status = 422
    hint = "Ask for a new one: links work once, and for a limited time."


class InvitationNotFound(NotFound):
    """There is no such invitation for this caller."""

    code = "security.invitation_not_found"
    hint = "GET /v1/security/invitations lists them."


class InvitationClosed(Conflict):
    """This invitation was accepted, revoked, or has expired."""

    code = "security.invitation_closed"
    hint = "POST /v1/security/invitations sends a new one."


class AlreadyAMember(Conflict):
    """Whoever has this address is a member already."""

    code = "security.already_a_member"
    hint = "PATCH /v1/security/members/{user_id} changes the role."


class AlreadyInvited(Conflict):
    """There is an open invitation for this address."""

    code = "security.already_invited"
    hint = "Revoke the invitation named in details, then send another."


class SecondFactorRequired(Unauthenticated):
    """The password is right; a code is needed as well."""

    code = "security.second_factor_required"
    hint = "Send the code of your authenticator app, or a recovery code, as code."


class CodeWrong(Unauthenticated):
    """This code is wrong, or was used before."""

    code = "security.code_wrong"
    hint = "Wait for the next code of your app, and check that the phone's clock is right; or send a recovery code."


class SecondFactorExists(Conflict):
    """You sign in with an authenticator app already."""

    code = "security.second_factor_exists"
    hint = "POST /v1/security/second-factor/remove removes it; then begin anew."


class SecondFactorMissing(Conflict):
    """You have no authenticator app set up."""

    code = "security.second_factor_missing"
    hint = "POST /v1/security/second-factor begins it, and .../confirm completes it."


class PersonNotFound(NotFound):
    """There is no such person."""

    code = "security.person_not_found"
    hint = "GET /v1/security/members?tenantId= lists those of a tenant."


class PasskeyNotFound(NotFound):
    """You have no such passkey."""

    code = "security.passkey_not_found"
    hint = "GET /v1/security/passkeys lists yours."


class PasskeyChallengeUnknown(Refused):
    """This challenge was used, or is too old."""

    code = "security.passkey_challenge_unknown"
    hint = "Begin again: a challenge works once, for five minutes."


class PasskeyRefused(Unauthenticated):
    """What the device answered does not prove anything; details say why."""

    code = "security.passkey_refused"
    hint = "Begin again on a page of ours; if it goes on, sign in with your password and add the passkey anew."


class TooManyPasskeys(Conflict):
    """You have as many passkeys as anybody can."""

    code = "security.too_many_passkeys"
    hint = "Remove one that you no longer use: POST /v1/security/passkeys/{id}/remove."


class ProviderSignInUnknown(Refused):
    """This sign-in at an identity provider is over, or never began here."""

    code = "security.provider_sign_in_unknown"
    hint = "Begin again: POST /v1/security/provider-sign-ins/begin. A state works once, for ten minutes."


class ProviderAnswerRefused(Unauthenticated):
    """What the identity provider answered does not prove anything; details say why."""

    code = "security.provider_answer_refused"
    hint = "Begin again; if it goes on, an administrator has to look at the provider's settings."


class ProviderUnreachable(Unavailable):
    """The identity provider does not answer."""

    code = "security.provider_unreachable"
    hint = "Try again in a while, or sign in with your password or a passkey."


class ElevationNotFound(NotFound):
    """There is no such elevation for this caller."""

    code = "security.elevation_not_found"
    hint = "GET /v1/security/elevations/mine lists yours."


class ElevationPointless(Conflict):
    """You are that already, or another of yours is open."""

    code = "security.elevation_pointless"
    hint = "GET /v1/security/elevations/mine shows what is open; end it, or wait until it ends."


class ElevationNotOpen(Conflict):
    """This elevation stands where this can no longer be done."""

    code = "security.elevation_not_open"
    hint = "GET /v1/security/elevations shows where it stands."


class NotYourOwnElevation(Forbidden):
    """Somebody else has to do that: nobody approves or reviews themselves."""

    code = "security.not_your_own_elevation"
    hint = "Ask another administrator or owner of the tenant."


class BreakGlassNotAllowed(Forbidden):
    """You were not chosen for emergencies."""

    code = "security.break_glass_not_allowed"
    hint = "Ask for it and have it approved: POST /v1/security/elevations. Owners choose who may break glass."
