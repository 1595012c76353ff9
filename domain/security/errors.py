"""Refusals of security: tenants, keys, access, the audit trail."""

from domain.kernel.errors import Conflict, Forbidden, NotFound, Refused, Unauthenticated, Unavailable


class TenantNotFound(NotFound):
    """There is no such tenant for this caller."""

    code = "security.tenant_not_found"


class TenantDeprovisioned(Conflict):
    """This tenant has been deprovisioned and does not come back."""

    code = "security.tenant_deprovisioned"
    hint = "Onboard the organisation again; it gets a new tenant id."


class ApiKeyNotFound(NotFound):
    """There is no such API key for this caller."""

    code = "security.api_key_not_found"
    hint = "GET /v1/security/api-keys lists them."


class ApiKeyAlreadyClaimed(Conflict):
    """The secret of this API key was already shown, and it is shown once."""

    code = "security.api_key_already_claimed"
    hint = "If it was lost, POST /v1/security/api-keys makes another; then revoke this one."


class ApiKeyNotRotatable(Conflict):
    """Only an active key that was not rotated before can be rotated."""

    code = "security.api_key_not_rotatable"
    hint = "GET /v1/security/api-keys shows its status, and the key that replaces it; POST there makes a new one."


class ScopeMissing(Forbidden):
    """This API key lacks the scope that the route demands."""

    code = "security.scope_missing"


class PolicyForbids(Forbidden):
    """A policy of your tenant forbids this."""

    code = "security.policy_forbids"
    hint = "The policies are named in details; GET /v1/security/policies shows what they say."


class UpgradeRequired(Refused):
    """Your plan does not include this."""

    code = "security.upgrade_required"
    status = 402
    hint = "Change to one of the plans named in details; GET /v1/billing/platform-plans shows them."


class PolicyInvalid(Refused):
    """This policy cannot take effect."""

    code = "security.policy_invalid"
    status = 422
    hint = "Correct the problems named in details; GET /v1/security/permissions has the schema it must fit."


class PolicyLocksOut(Conflict):
    """With this policy you could not change policies any more."""

    code = "security.policy_locks_out"
    hint = "Leave yourself security.put_policy and security.delete_policy, or let another administrator do it."


class PolicyNotFound(NotFound):
    """There is no such policy for this caller."""

    code = "security.policy_not_found"
    hint = "GET /v1/security/policies lists them."


class TooManyPolicies(Conflict):
    """A tenant has so many policies at most, because each takes time from every decision."""

    code = "security.too_many_policies"
    hint = "Join statements in one policy, or delete policies that are not needed."


class PermissionUnknown(Refused):
    """There is no permission of this name."""

    code = "security.permission_unknown"
    status = 422
    hint = "GET /v1/security/permissions lists them."


class OperatorsOnly(Forbidden):
    """Only the platform's operator may do this."""

    code = "security.operators_only"
    hint = "Use the operator's API key."


class TenantRequired(Forbidden):
    """This belongs to a tenant, and the operator's key belongs to none."""

    code = "security.tenant_required"
    hint = "Use a tenant's API key, or name the tenant with ?tenantId=."


class Undecipherable(Refused):
    """The ciphertext does not open with this key and context."""

    code = "security.undecipherable"
    status = 422
    hint = "Send it as it was made, with the context it was made with. Operators: is the master key the right one?"


class DataKeyNotFound(NotFound):
    """There is no such data key for this caller, so what it encrypted cannot be read."""

    code = "security.data_key_not_found"
    hint = "It was encrypted for another tenant, or the key was destroyed: see GET /v1/security/data-keys."


class MasterKeyUnavailable(Unavailable):
    """The master key that wraps this cannot be used at the moment."""

    code = "security.master_key_unavailable"
    hint = "Try again. Operators: `harborgrid doctor` says what is wrong with the master key."


class ReencryptionNotFound(NotFound):
    """There is no such re-encryption for this caller."""

    code = "security.reencryption_not_found"
    hint = "GET /v1/security/reencryptions lists them."


class ReencryptionUnderWay(Conflict):
    """Everything is being brought under another key already."""

    code = "security.reencryption_under_way"
    hint = "Wait until it is done: GET /v1/security/reencryptions says how far it is."


class MigrationNotFound(NotFound):
    """No migration of the tenants has run under this id."""

    code = "security.migration_not_found"
    hint = "POST /v1/security/tenant-migrations starts one."


class MigrationFailed(Conflict):
    """A migration does not fit what this tenant's schema holds; the schema is as it was."""

    code = "security.migration_failed"
    hint = "Mend the data or the migration named in the message, then start the migration again."


class AuditRecordNotFound(NotFound):
    """There is no such audit record for this caller."""

    code = "security.audit_record_not_found"
    hint = "GET /v1/security/audit-records lists them."


class AuditRecordNotSealed(Conflict):
    """The record is younger than the checkpoint, so nothing proves it yet."""

    code = "security.audit_record_not_sealed"
    hint = "POST /v1/security/audit-checkpoints seals what is there; it also happens by itself every minute or so."


class CheckpointNotFound(NotFound):
    """This log has no checkpoint of this size."""

    code = "security.checkpoint_not_found"
    hint = "GET /v1/security/audit-checkpoints lists them."


class CheckpointInvalid(Refused):
    """This is not a checkpoint that we signed."""

    code = "security.checkpoint_invalid"
    status = 422
    hint = "Hand in the note as it was given, to the last line break, and check it with the key it was signed with."


class NotCanonical(Refused):
    """These details have no canonical JSON form (RFC 8785), so they cannot be sealed."""

    code = "security.not_canonical"
    status = 422
    hint = "Write integers beyond 2^53 and numbers that are not finite as text."


class AuditVerificationNotFound(NotFound):
    """No check of this log has this id."""

    code = "security.audit_verification_not_found"
    hint = "POST /v1/security/audit-verifications starts one."


class PeopleOnly(Forbidden):
    """This is for people who are signed in themselves: not for keys, programs or applications."""

    code = "security.people_only"
    hint = "POST /v1/security/sessions signs a person in; send the token as Authorization: Bearer."


class RoleAboveYours(Forbidden):
    """You can neither give nor take a role that is above your own."""

    code = "security.role_above_yours"
    hint = "Ask somebody with that role; GET /v1/security/members shows who they are. Only owners make owners."


class StepUpRequired(Unauthenticated):
    """A policy of your tenant wants you to prove again who you are."""

    code = "security.step_up_required"
    hint = "POST /v1/security/sessions/mine/step-up with password and code, after POST /v1/security/second-factor."


class TokenInvalid(Unauthenticated):
    """This token is not valid; details say why."""

    code = "security.token_invalid"
    hint = "Get a fresh one at POST /v1/security/oauth2/token."


class OwnersOnly(Forbidden):
    """Only an owner who is signed in with a password or passkey of ours may do this."""

    code = "security.owners_only"
    hint = "Ask an owner of the tenant; GET /v1/security/members shows who they are."


class TenantStillActive(Conflict):
    """Only what a removed tenant left behind can be erased."""

    code = "security.tenant_still_active"
    hint = "Deprovision the tenant first."


class ErasureNotFound(NotFound):
    """There is no such erasure."""

    code = "security.erasure_not_found"
    hint = "GET /v1/security/erasures lists them."


class ErasureUnderWay(Conflict):
    """This tenant's erasure is asked for already, or done."""

    code = "security.erasure_under_way"
    hint = "GET /v1/security/erasures/{id}/progress shows where it stands."


class ErasureNotOpen(Conflict):
    """This erasure can no longer be cancelled."""

    code = "security.erasure_not_open"
    hint = "Destroyed keys do not come back."


class DetectionRuleInvalid(Refused):
    """This detection rule cannot be used."""

    code = "security.detection_rule_invalid"
    status = 422
    hint = "Correct what details.reason says; docs/threats.md tells what records hold, and what of Sigma is taken."
