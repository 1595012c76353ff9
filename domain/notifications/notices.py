"""Notices: mails that tell somebody what happened in their tenant, without a link."""

from __future__ import annotations

from domain.notifications.commands import NoticeKind, SendNotice
from domain.notifications.model import Mail
from domain.notifications.writing import Words, written

_DECIDE = "Approve or deny it: POST /v1/security/elevations/{{elevation}}/approve or .../deny."
_ENTSCHEIDEN = "Genehmigen oder ablehnen: POST /v1/security/elevations/{{elevation}}/approve oder .../deny."
_REVIEW = "Once it is over, look at what was done, and say so: POST /v1/security/elevations/{{elevation}}/review."
_PRUEFEN = (
    "Wenn es vorbei ist, prüfen Sie bitte, was getan wurde, und bestätigen Sie es: "
    "POST /v1/security/elevations/{{elevation}}/review."
)
_WORDS: dict[NoticeKind, Words] = {
    NoticeKind.ELEVATION_REQUESTED: {
        "en": {
            "subject": "{{who}} asks to be {{role}} of {{organisation}} for a while",
            "greeting": "Hello {{name}},",
            "body": "{{who}} asks to be {{role}} of {{organisation}} for a while. The reason: {{reason}}",
            "do": _DECIDE,
        },
        "de": {
            "subject": "{{who}} möchte für eine Weile {{role}} von {{organisation}} sein",
            "greeting": "Guten Tag {{name}},",
            "body": "{{who}} möchte für eine Weile {{role}} von {{organisation}} sein. Der Grund: {{reason}}",
            "do": _ENTSCHEIDEN,
        },
    },
    NoticeKind.GLASS_BROKEN: {
        "en": {
            "subject": "Emergency access: {{who}} is {{role}} of {{organisation}} now",
            "greeting": "Hello {{name}},",
            "body": "{{who}} has taken emergency access as {{role}} of {{organisation}}, without anybody's approval. "
            "The reason: {{reason}}",
            "do": "If that is wrong, end it now: POST /v1/security/elevations/{{elevation}}/end. " + _REVIEW,
        },
        "de": {
            "subject": "Notfallzugriff: {{who}} ist jetzt {{role}} von {{organisation}}",
            "greeting": "Guten Tag {{name}},",
            "body": "{{who}} hat ohne Genehmigung Notfallzugriff als {{role}} von {{organisation}} genommen. "
            "Der Grund: {{reason}}",
            "do": "Falls das nicht sein darf, beenden Sie ihn jetzt: POST /v1/security/elevations/{{elevation}}/end. "
            + _PRUEFEN,
        },
    },
    NoticeKind.REVIEW_DUE: {
        "en": {
            "subject": "Nobody has reviewed the emergency access of {{who}} yet",
            "greeting": "Hello {{name}},",
            "body": "{{who}} had emergency access as {{role}} of {{organisation}}. The reason: {{reason}}",
            "do": "The audit trail has what was done: GET /v1/security/audit-records. " + _REVIEW,
        },
        "de": {
            "subject": "Der Notfallzugriff von {{who}} ist noch nicht geprüft",
            "greeting": "Guten Tag {{name}},",
            "body": "{{who}} hatte Notfallzugriff als {{role}} von {{organisation}}. Der Grund: {{reason}}",
            "do": "Was getan wurde, steht im Protokoll: GET /v1/security/audit-records. " + _PRUEFEN,
        },
    },
}


def notice_mail(cmd: SendNotice, message_id: str) -> Mail:
    """Text and HTML of the mail."""
    facts = {**cmd.facts, "name": cmd.recipient_name}
    return written(_WORDS[cmd.kind], cmd.locale, facts, message_id, cmd.recipient_name, cmd.recipient)
