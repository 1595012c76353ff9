"""Notices: mails that tell somebody what happened in their tenant, without a link."""

from __future__ import annotations

from domain.notifications.commands import NoticeKind, SendNotice
from domain.notifications.dunning_words import DUNNING
from domain.notifications.model import Mail
from domain.notifications.writing import Words, written

_DECIDE = "Approve or deny it: POST /v1/security/elevations/{{elevation}}/approve or .../deny."
_ENTSCHEIDEN = "Genehmigen oder ablehnen: POST /v1/security/elevations/{{elevation}}/approve oder .../deny."
_REVIEW = "Once it is over, look at what was done, and say so: POST /v1/security/elevations/{{elevation}}/review."
_PRUEFEN = (
    "Wenn es vorbei ist, prüfen Sie bitte, was getan wurde, und bestätigen Sie es: "
    "POST /v1/security/elevations/{{elevation}}/review."
)
_LOOK = (
    "Look at the evidence: GET /v1/security/threats/{{threat}}. Then say what it was: "
    "POST /v1/security/threats/{{threat}}/close."
)
_ANSEHEN = (
    "Sehen Sie die Belege an: GET /v1/security/threats/{{threat}}. Sagen Sie dann, was es war: "
    "POST /v1/security/threats/{{threat}}/close."
)
_RECORD = (
    "Record it: POST /v1/security/breaches/{{breach}}/authority-notified or .../subjects-told; "
    "if it is no risk after all: .../assess."
)
_EINTRAGEN = (
    "Eintragen: POST /v1/security/breaches/{{breach}}/authority-notified oder .../subjects-told; "
    "falls es doch kein Risiko ist: .../assess."
)
_PLAN = (
    "Say what is done about it: POST /v1/security/risks/{{risk}}/plan. If it is no more, or was none: "
    "POST /v1/security/risks/{{risk}}/close."
)
_PLANEN = (
    "Legen Sie fest, was dagegen getan wird: POST /v1/security/risks/{{risk}}/plan. Wenn es nicht mehr besteht oder "
    "keines war: POST /v1/security/risks/{{risk}}/close."
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
    NoticeKind.THREAT_DETECTED: {
        "en": {
            "subject": "{{organisation}}: {{title}}",
            "greeting": "Hello {{name}},",
            "body": "In {{organisation}} something was seen that looks like an attack: {{title}} "
            "(severity {{severity}}). What was done about it: {{done}}.",
            "do": _LOOK,
        },
        "de": {
            "subject": "{{organisation}}: {{title}}",
            "greeting": "Guten Tag {{name}},",
            "body": "In {{organisation}} ist etwas aufgefallen, das wie ein Angriff aussieht: {{title}} "
            "(Schweregrad {{severity}}). Was dagegen getan wurde: {{done}}.",
            "do": _ANSEHEN,
        },
    },
    NoticeKind.THREAT_WAITS: {
        "en": {
            "subject": "{{organisation}}: {{title}} - please decide",
            "greeting": "Hello {{name}},",
            "body": "In {{organisation}} something was seen that looks like an attack: {{title}} "
            "(severity {{severity}}). Nothing was done yet. Proposed: {{proposed}}.",
            "do": "Have it done: POST /v1/security/threats/{{threat}}/contain. " + _LOOK,
        },
        "de": {
            "subject": "{{organisation}}: {{title}} - bitte entscheiden",
            "greeting": "Guten Tag {{name}},",
            "body": "In {{organisation}} ist etwas aufgefallen, das wie ein Angriff aussieht: {{title}} "
            "(Schweregrad {{severity}}). Noch ist nichts getan. Vorgeschlagen: {{proposed}}.",
            "do": "Tun lassen: POST /v1/security/threats/{{threat}}/contain. " + _ANSEHEN,
        },
    },
    NoticeKind.BREACH_CLOCK: {
        "en": {
            "subject": "{{organisation}}: personal data breach, due {{due}}",
            "greeting": "Hello {{name}},",
            "body": "A breach of personal data was reported in {{organisation}}: {{title}}. Somebody has to be told "
            "of it by {{due}} (GDPR, Article 33). Not told yet: {{waiting}}.",
            "do": _RECORD,
        },
        "de": {
            "subject": "{{organisation}}: Verletzung des Schutzes personenbezogener Daten, Frist {{due}}",
            "greeting": "Guten Tag {{name}},",
            "body": "In {{organisation}} wurde eine Verletzung des Schutzes personenbezogener Daten gemeldet: "
            "{{title}}. Sie ist bis {{due}} zu melden (DSGVO, Artikel 33). Noch nicht unterrichtet: {{waiting}}.",
            "do": _EINTRAGEN,
        },
    },
    NoticeKind.BREACH_OVERDUE: {
        "en": {
            "subject": "OVERDUE since {{due}}: personal data breach in {{organisation}}",
            "greeting": "Hello {{name}},",
            "body": "72 hours are over since {{organisation}} became aware of this breach: {{title}}. Not told yet: "
            "{{waiting}}. Notify now, and say why it is late.",
            "do": _RECORD,
        },
        "de": {
            "subject": "ÜBERFÄLLIG seit {{due}}: Datenschutzverletzung in {{organisation}}",
            "greeting": "Guten Tag {{name}},",
            "body": "Seit {{organisation}} von dieser Verletzung erfahren hat, sind 72 Stunden um: {{title}}. "
            "Noch nicht unterrichtet: {{waiting}}. Melden Sie jetzt, und begründen Sie die Verzögerung.",
            "do": _EINTRAGEN,
        },
    },
    NoticeKind.RISK_OPEN: {
        "en": {
            "subject": "{{organisation}}: {{level}} risk, decide by {{due}}",
            "greeting": "Hello {{name}},",
            "body": "In the risk register of {{organisation}} nobody has decided about this {{level}} risk: {{title}}. "
            "The deadline is {{due}}.",
            "do": _PLAN,
        },
        "de": {
            "subject": "{{organisation}}: Risiko ({{level}}), zu entscheiden bis {{due}}",
            "greeting": "Guten Tag {{name}},",
            "body": "Im Risikoregister von {{organisation}} ist über dieses Risiko ({{level}}) nicht entschieden: "
            "{{title}}. Die Frist ist {{due}}.",
            "do": _PLANEN,
        },
    },
    NoticeKind.RISK_PROPOSED: {
        "en": {
            "subject": "{{organisation}}: may a {{level}} risk be accepted?",
            "greeting": "Hello {{name}},",
            "body": "Somebody proposes that {{organisation}} lives with this {{level}} risk until {{due}}: {{title}}.",
            "do": "Whoever did not propose it may approve: POST /v1/security/risks/{{risk}}/approve. " + _PLAN,
        },
        "de": {
            "subject": "{{organisation}}: Darf ein Risiko ({{level}}) hingenommen werden?",
            "greeting": "Guten Tag {{name}},",
            "body": "Jemand schlägt vor, dass {{organisation}} bis {{due}} mit diesem Risiko ({{level}}) lebt: "
            "{{title}}.",
            "do": "Wer es nicht vorgeschlagen hat, kann zustimmen: POST /v1/security/risks/{{risk}}/approve. "
            + _PLANEN,
        },
    },
    NoticeKind.RISK_PLANNED: {
        "en": {
            "subject": "{{organisation}}: what was planned against a {{level}} risk is due {{due}}",
            "greeting": "Hello {{name}},",
            "body": "Against this {{level}} risk in {{organisation}} something is to be done by {{due}}, by "
            "{{assignee}}: {{title}}.",
            "do": "If it is done, close the risk: POST /v1/security/risks/{{risk}}/close. If it takes longer, plan "
            "anew: POST /v1/security/risks/{{risk}}/plan.",
        },
        "de": {
            "subject": "{{organisation}}: Maßnahme gegen ein Risiko ({{level}}), fällig {{due}}",
            "greeting": "Guten Tag {{name}},",
            "body": "Gegen dieses Risiko ({{level}}) in {{organisation}} soll bis {{due}} etwas getan werden, von "
            "{{assignee}}: {{title}}.",
            "do": "Wenn es getan ist, schließen Sie das Risiko: POST /v1/security/risks/{{risk}}/close. Wenn es länger "
            "dauert, planen Sie neu: POST /v1/security/risks/{{risk}}/plan.",
        },
    },
}


_WORDS.update({NoticeKind(f"dunning_{template}"): words for template, words in DUNNING.items()})


def notice_mail(cmd: SendNotice, message_id: str) -> Mail:
    """Text and HTML of the mail."""
    facts = {**cmd.facts, "name": cmd.recipient_name}
    return written(_WORDS[cmd.kind], cmd.locale, facts, message_id, cmd.recipient_name, cmd.recipient)
