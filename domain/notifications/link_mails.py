"""Mails with a link in them: invitations, reminders of them, and new passwords."""

from __future__ import annotations

from domain.notifications.commands import LinkPurpose, SendLinkEmail
from domain.notifications.model import Mail
from domain.notifications.writing import Words, written

_INVITED = {
    "body": "you are invited to join {{organisation}} on HarborGrid.",
    "until": "The link works once, until {{until}}. If you did not expect this mail, you need not do anything.",
    "label": "Join {{organisation}}",
}
_EINGELADEN = {
    "body": "Sie sind eingeladen, {{organisation}} auf HarborGrid beizutreten.",
    "until": "Der Link gilt einmal und bis {{until}}. Falls Sie diese E-Mail nicht erwartet haben, brauchen Sie nichts "
    "zu tun.",
    "label": "{{organisation}} beitreten",
}
_WORDS: dict[LinkPurpose, Words] = {
    LinkPurpose.INVITATION: {
        "en": {"subject": "Join {{organisation}} on HarborGrid", "greeting": "Hello,", **_INVITED},
        "de": {"subject": "Einladung zu {{organisation}} auf HarborGrid", "greeting": "Guten Tag,", **_EINGELADEN},
    },
    LinkPurpose.INVITATION_REMINDER: {
        "en": {"subject": "{{organisation}} is waiting for you on HarborGrid", "greeting": "Hello,", **_INVITED},
        "de": {"subject": "{{organisation}} wartet auf Sie auf HarborGrid", "greeting": "Guten Tag,", **_EINGELADEN},
    },
    LinkPurpose.PASSWORD_RESET: {
        "en": {
            "subject": "Set your HarborGrid password",
            "greeting": "Hello {{name}},",
            "body": "somebody, most likely you, asked for a link to set a password for this address.",
            "until": "The link works once, until {{until}}. If it was not you, you need not do anything: your password "
            "stays as it is.",
            "label": "Set a password",
        },
        "de": {
            "subject": "Ihr Passwort für HarborGrid",
            "greeting": "Guten Tag {{name}},",
            "body": "jemand, vermutlich Sie, hat für diese Adresse einen Link angefordert, mit dem man ein Passwort "
            "festlegt.",
            "until": "Der Link gilt einmal und bis {{until}}. Falls Sie es nicht waren, brauchen Sie nichts zu tun: "
            "Ihr Passwort bleibt, wie es ist.",
            "label": "Passwort festlegen",
        },
    },
}


def link_mail(cmd: SendLinkEmail, message_id: str, link: str) -> Mail:
    """Text and HTML of the mail."""
    until = cmd.expires_at.strftime("%Y-%m-%d %H:%M UTC")
    facts = {"organisation": cmd.organisation, "name": cmd.recipient_name, "until": until}
    return written(_WORDS[cmd.purpose], cmd.locale, facts, message_id, cmd.recipient_name, cmd.recipient, link=link)
