"""The control catalogue: what has to be so, where the frameworks ask for it, and which modules it is about.

References are the frameworks' own numbers; the statements are ours. `IN_SCOPE` says which framework each module is in.
"""

from __future__ import annotations

from collections.abc import Mapping

from domain.security.control_model import Control, ControlScope, Framework, Module
from domain.security.events import Severity

_F, _M = Framework, Module
_ALL = tuple(Module)
_PERSONAL = (_M.SECURITY, _M.ANALYTICS, _M.NOTIFICATIONS, _M.COLLABORATION, _M.GATEWAY, _M.BILLING)
_PLATFORM, _TENANT, _BOTH = ControlScope.PLATFORM, ControlScope.TENANT, ControlScope.BOTH

_HEALTH = (_M.SECURITY, _M.ANALYTICS, _M.GATEWAY, _M.NOTIFICATIONS, _M.COLLABORATION)
_CARDS = (_M.SECURITY, _M.BILLING, _M.GATEWAY)
IN_SCOPE: Mapping[Framework, frozenset[Module]] = {
    _F.SOC2: frozenset(_ALL),
    _F.HIPAA: frozenset(_HEALTH),
    _F.GDPR: frozenset(_ALL),
    _F.PCI_DSS: frozenset(_CARDS),
}


def _asked(*, soc2: str, hipaa: str, gdpr: str, pci: str) -> dict[Framework, tuple[str, ...]]:
    told = {_F.SOC2: soc2, _F.HIPAA: hipaa, _F.GDPR: gdpr, _F.PCI_DSS: pci}
    return {framework: tuple(numbers.split("; ")) for framework, numbers in told.items() if numbers}


CONTROLS: tuple[Control, ...] = (
    Control(
        id="ac-1",
        title="Administrators have a second factor",
        statement="Every owner and administrator has a passkey or an authenticator app.",
        references=_asked(soc2="CC6.1", hipaa="164.312(d)", gdpr="32(1)(b)", pci="8.4.2"),
        scope=_TENANT,
        check="second_factors",
        severity=Severity.HIGH,
        gap="Have those whom the facts name add one: POST /v1/security/passkeys or /v1/security/second-factor.",
        modules=(_M.SECURITY, _M.GATEWAY),
    ),
    Control(
        id="ac-2",
        title="API keys are replaced",
        statement="No active API key that never expires is older than a year.",
        references=_asked(soc2="CC6.1", hipaa="164.308(a)(4)(ii)(C)", gdpr="32(1)(b)", pci="8.6.3"),
        scope=_TENANT,
        check="old_keys",
        gap="Rotate those whom the facts name: POST /v1/security/api-keys/{id}/rotate.",
        modules=(_M.SECURITY, _M.GATEWAY),
    ),
    Control(
        id="ac-3",
        title="Unused credentials are revoked",
        statement="No active API key has gone unused for ninety days.",
        references=_asked(soc2="CC6.2", hipaa="164.308(a)(3)(ii)(C)", gdpr="32(1)(b)", pci="8.2.6"),
        scope=_TENANT,
        check="unused_keys",
        gap="Revoke those whom the facts name: POST /v1/security/api-keys/{id}/revoke.",
        modules=(_M.SECURITY, _M.GATEWAY),
    ),
    Control(
        id="ac-4",
        title="Tenants are isolated by the database",
        statement="Each tenant's role reaches its own schema only: it neither is a superuser nor passes "
        "row-level security, and every table of the platform that tenants may read has it enabled.",
        references=_asked(soc2="CC6.1; CC6.3", hipaa="164.312(a)(1)", gdpr="25(1); 32(1)(b)", pci="7.2.1"),
        scope=_PLATFORM,
        check="isolation",
        severity=Severity.CRITICAL,
        gap="Somebody changed roles or tables by hand: the facts name them. Put them back as the migrations have them.",
    ),
    Control(
        id="ac-5",
        title="Emergency access is reviewed",
        statement="What was done behind broken glass is reviewed within a week.",
        references=_asked(soc2="CC6.3", hipaa="164.312(a)(2)(ii)", gdpr="32(4)", pci="7.2.4"),
        scope=_TENANT,
        check="emergency_access",
        severity=Severity.HIGH,
        gap="Review it: POST /v1/security/elevations/{id}/review.",
        modules=(_M.SECURITY,),
    ),
    Control(
        id="ac-6",
        title="Access rights are reviewed",
        statement="Somebody has looked through members, roles, keys and policies within a year, and removed "
        "what nobody needs.",
        references=_asked(soc2="CC6.3", hipaa="164.308(a)(4)(ii)(C)", gdpr="32(4)", pci="7.2.4"),
        scope=_BOTH,
        check=None,
        gap="Review them, and attest it: POST /v1/security/controls/ac-6/attest.",
    ),
    Control(
        id="au-1",
        title="Audit records are sealed",
        statement="Every audit record is in its log's hash chain and Merkle tree within ten minutes.",
        references=_asked(soc2="CC7.2", hipaa="164.312(b)", gdpr="5(2)", pci="10.2.1"),
        scope=_PLATFORM,
        check="audit_sealed",
        severity=Severity.HIGH,
        gap="See docs/operations.md#auditnotsealed.",
    ),
    Control(
        id="au-2",
        title="Audit logs are whole",
        statement="The log is as long as its newest checkpoint says, and that checkpoint carries our signature.",
        references=_asked(soc2="CC7.2", hipaa="164.312(c)(1)", gdpr="5(1)(f)", pci="10.3.2; 10.3.4"),
        scope=_BOTH,
        check="audit_whole",
        severity=Severity.CRITICAL,
        gap="Somebody has cut the log: POST /v1/security/audit-verifications finds where.",
    ),
    Control(
        id="cr-1",
        title="Data keys are wrapped by the master key in use",
        statement="Every data key is wrapped by the master key that wraps today: an old master key opens nothing more.",
        references=_asked(soc2="CC6.1; CC6.7", hipaa="164.312(a)(2)(iv)", gdpr="32(1)(a)", pci="3.6.1; 3.7.4"),
        scope=_PLATFORM,
        check="wrapped_keys",
        gap='Bring them under it: POST /v1/security/reencryptions with {"what": "master_key"}.',
    ),
    Control(
        id="cr-2",
        title="Data keys are replaced",
        statement="The key that a tenant's data is encrypted under is no older than a year.",
        references=_asked(soc2="CC6.1", hipaa="164.312(a)(2)(iv)", gdpr="32(1)(a)", pci="3.7.4"),
        scope=_TENANT,
        check="data_key_age",
        gap="Rotate it: POST /v1/security/data-keys/rotate.",
        modules=_PERSONAL,
    ),
    Control(
        id="cr-3",
        title="What travels is encrypted",
        statement="Callers reach the API by TLS, and mail goes to its server by TLS.",
        references=_asked(soc2="CC6.7", hipaa="164.312(e)(1)", gdpr="32(1)(a)", pci="4.2.1"),
        scope=_PLATFORM,
        check="transport",
        severity=Severity.HIGH,
        gap="Set HARBORGRID_API_PUBLIC_URL to an https:// URL that a proxy or the API's own TLS serves, and "
        "HARBORGRID_SMTP_STARTTLS to true.",
        modules=(_M.GATEWAY, _M.NOTIFICATIONS, _M.SECURITY),
    ),
    Control(
        id="ir-1",
        title="Threats are answered",
        statement="No threat has waited for a decision for more than a week.",
        references=_asked(soc2="CC7.3; CC7.4", hipaa="164.308(a)(6)(ii)", gdpr="32(1)(b)", pci="12.10.5"),
        scope=_TENANT,
        check="threats_answered",
        severity=Severity.HIGH,
        gap="Decide about those whom the facts name: POST /v1/security/threats/{id}/contain or .../close.",
        modules=(_M.SECURITY, _M.GATEWAY),
    ),
    Control(
        id="ir-2",
        title="Breaches are notified in time",
        statement="No personal data breach has passed its 72 hours without a notice to the authority.",
        references=_asked(soc2="CC7.4", hipaa="164.410", gdpr="33(1)", pci="12.10.1"),
        scope=_TENANT,
        check="breaches_notified",
        severity=Severity.CRITICAL,
        gap="Notify, and record it: POST /v1/security/breaches/{id}/authority-notified.",
        modules=_PERSONAL,
    ),
    Control(
        id="ir-3",
        title="Somebody looks for threats",
        statement="Detection rules have read what was recorded up to ten minutes ago.",
        references=_asked(soc2="CC7.2", hipaa="164.308(a)(1)(ii)(D)", gdpr="32(1)(d)", pci="10.4.1.1"),
        scope=_PLATFORM,
        check="detection_runs",
        severity=Severity.HIGH,
        gap="The schedule platform/security/detect_threats does it: look at its last run in the Temporal UI.",
    ),
    Control(
        id="ir-4",
        title="The response to incidents is rehearsed",
        statement="Within a year the response to an incident was rehearsed, and what was learned is written down.",
        references=_asked(soc2="CC7.5", hipaa="164.308(a)(6)(i)", gdpr="32(1)(d)", pci="12.10.2"),
        scope=_BOTH,
        check=None,
        gap="Rehearse it, and attest it: POST /v1/security/controls/ir-4/attest.",
    ),
    Control(
        id="vm-1",
        title="Dependencies are looked up",
        statement="Within two days, our own dependencies were compared with advisories of which the newest is no "
        "older than two weeks.",
        references=_asked(soc2="CC7.1", hipaa="164.308(a)(1)(ii)(A)", gdpr="32(1)(d)", pci="6.3.1"),
        scope=_PLATFORM,
        check="dependencies_scanned",
        gap="Give the scans fresh advisories: see HARBORGRID_ADVISORIES in docs/risks.md.",
    ),
    Control(
        id="vm-2",
        title="Risks are decided about in time",
        statement="No risk in the register is past its deadline.",
        references=_asked(soc2="CC3.2; CC9.1", hipaa="164.308(a)(1)(ii)(B)", gdpr="32(2)", pci="6.3.3; 12.3.1"),
        scope=_BOTH,
        check="risks_treated",
        gap="Decide about those whom the facts name: POST /v1/security/risks/{id}/plan.",
    ),
    Control(
        id="dp-1",
        title="No card numbers in what is recorded",
        statement="No event of the last day holds a primary account number: sixteen digits or so that pass "
        "the check of cards.",
        references=_asked(soc2="CC6.7", hipaa="", gdpr="5(1)(c)", pci="3.3.1; 3.5.1"),
        scope=_TENANT,
        check="card_numbers",
        severity=Severity.CRITICAL,
        gap="The facts name the events. Have whoever publishes them keep a token instead, and treat it as a breach.",
        modules=(_M.BILLING, _M.SECURITY, _M.GATEWAY),
    ),
    Control(
        id="dp-2",
        title="Data subjects are answered in time",
        statement="No request of a data subject is open after a month.",
        references=_asked(soc2="CC2.3", hipaa="164.524(b)(2)", gdpr="12(3)", pci=""),
        scope=_TENANT,
        check="subjects_answered",
        severity=Severity.HIGH,
        gap="The facts name the requests, and GET /v1/security/subject-requests/{id} says what is in their way.",
    ),
    Control(
        id="dp-3",
        title="It is decided how long data is kept",
        statement="There is a retention rule for every category that can have one.",
        references=_asked(soc2="CC6.5", hipaa="164.316(b)(2)(i)", gdpr="5(1)(e)", pci="3.2.1"),
        scope=_TENANT,
        check="retention_decided",
        severity=Severity.LOW,
        gap="Decide about those that the facts name: PUT /v1/security/retention-rules/{category}.",
        modules=(_M.SECURITY, _M.NOTIFICATIONS),
    ),
    Control(
        id="dp-4",
        title="People who handle personal data are trained",
        statement="Everybody who may see personal data was trained within a year.",
        references=_asked(soc2="CC1.4", hipaa="164.308(a)(5)(i)", gdpr="39(1)(b)", pci="12.6.3"),
        scope=_BOTH,
        check=None,
        gap="Train them, and attest it: POST /v1/security/controls/dp-4/attest.",
    ),
    Control(
        id="dp-5",
        title="Processors are under contract",
        statement="Whoever else processes the data is bound by a contract that says how.",
        references=_asked(soc2="CC9.2", hipaa="164.308(b)(1)", gdpr="28(3)", pci="12.8.2"),
        scope=_BOTH,
        check=None,
        gap="Conclude the contracts, and attest it: POST /v1/security/controls/dp-5/attest.",
    ),
    Control(
        id="bc-1",
        title="Backups were restored",
        statement="Within a year a backup was restored elsewhere, and what came back was compared.",
        references=_asked(soc2="A1.3", hipaa="164.308(a)(7)(ii)(D)", gdpr="32(1)(c)", pci=""),
        scope=_PLATFORM,
        check=None,
        gap="Restore one as docs/operations.md says, and attest it: POST /v1/security/controls/bc-1/attest.",
    ),
)
BY_ID: Mapping[str, Control] = {control.id: control for control in CONTROLS}
