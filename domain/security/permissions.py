"""What can be allowed in security."""

from domain.kernel.permissions import Permission, Scope

LIST_TENANTS = Permission("security.list_tenants", Scope.OPERATOR, "Tenant")
READ_TENANT = Permission("security.read_tenant", Scope.READ, "Tenant")
MIGRATE_TENANTS = Permission("security.migrate_tenants", Scope.OPERATOR, "Tenant")
OPEN_OPERATOR_SESSION = Permission("security.open_operator_session", Scope.OPERATOR, "OperatorSession")

READ_OWN_API_KEY = Permission("security.read_own_api_key", Scope.READ, "ApiKey")
READ_API_KEYS = Permission("security.read_api_keys", Scope.READ, "ApiKey")
CREATE_API_KEY = Permission("security.create_api_key", Scope.ADMIN, "ApiKey")
REVEAL_API_KEY = Permission("security.reveal_api_key", Scope.ADMIN, "ApiKey")
ROTATE_API_KEY = Permission("security.rotate_api_key", Scope.ADMIN, "ApiKey")
REVOKE_API_KEY = Permission("security.revoke_api_key", Scope.ADMIN, "ApiKey")
ROTATE_DATA_KEY = Permission("security.rotate_data_key", Scope.ADMIN, "DataKey")

READ_AUDIT_RECORDS = Permission("security.read_audit_records", Scope.READ, "AuditRecord")
EXPORT_AUDIT_RECORDS = Permission("security.export_audit_records", Scope.READ, "AuditRecord")
READ_AUDIT_CHECKPOINTS = Permission("security.read_audit_checkpoints", Scope.READ, "AuditCheckpoint")
SEAL_AUDIT = Permission("security.seal_audit", Scope.OPERATOR, "AuditCheckpoint")
VERIFY_AUDIT = Permission("security.verify_audit", Scope.ADMIN, "AuditVerification")
READ_AUDIT_VERIFICATIONS = Permission("security.read_audit_verifications", Scope.READ, "AuditVerification")

POLICIES = "security.policies"
"""The feature that lets a tenant write policies of its own."""
READ_POLICIES = Permission("security.read_policies", Scope.READ, "Policy")
PUT_POLICY = Permission("security.put_policy", Scope.ADMIN, "Policy", feature=POLICIES)
DELETE_POLICY = Permission("security.delete_policy", Scope.ADMIN, "Policy")
TRY_POLICY = Permission("security.try_policy", Scope.ADMIN, "Policy", feature=POLICIES)
READ_PERMISSIONS = Permission("security.read_permissions", Scope.READ, "Permission")
CHECK_OWN_ACCESS = Permission("security.check_own_access", Scope.READ, "ApiKey")
CHECK_ACCESS = Permission("security.check_access", Scope.ADMIN, "ApiKey")

READ_SELF = Permission("security.read_self", Scope.READ, "User")
CHANGE_PASSWORD = Permission("security.change_password", Scope.READ, "User")
READ_OWN_SESSIONS = Permission("security.read_own_sessions", Scope.READ, "Session")
REVOKE_OWN_SESSION = Permission("security.revoke_own_session", Scope.READ, "Session")
READ_SESSIONS = Permission("security.read_sessions", Scope.ADMIN, "Session")
REVOKE_SESSIONS = Permission("security.revoke_sessions", Scope.ADMIN, "Session")
READ_MEMBERS = Permission("security.read_members", Scope.READ, "User")
CHANGE_MEMBER = Permission("security.change_member", Scope.ADMIN, "User")
REMOVE_MEMBER = Permission("security.remove_member", Scope.ADMIN, "User")
READ_INVITATIONS = Permission("security.read_invitations", Scope.ADMIN, "Invitation")
INVITE = Permission("security.invite", Scope.ADMIN, "Invitation")
REVOKE_INVITATION = Permission("security.revoke_invitation", Scope.ADMIN, "Invitation")
STEP_UP = Permission("security.step_up", Scope.READ, "Session")
READ_SECOND_FACTOR = Permission("security.read_second_factor", Scope.READ, "User")
MANAGE_SECOND_FACTOR = Permission("security.manage_second_factor", Scope.READ, "User")
RESET_SECOND_FACTOR = Permission("security.reset_second_factor", Scope.OPERATOR, "User")
