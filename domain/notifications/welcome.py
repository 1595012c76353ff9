"""The welcome mail, in the customer's language (English where we have no other)."""

from __future__ import annotations

from domain.notifications.commands import SendWelcomeEmail
from domain.notifications.model import Mail
from domain.notifications.writing import Words, written

_WORDS: Words = {
    "en": {
        "subject": "Welcome to HarborGrid, {{organisation}}",
        "greeting": "Hello {{name}},",
        "body": "{{organisation}} is ready on the {{plan}} plan. Your own database schema, lake and first dashboard "
        "are waiting for you.",
        "next": "Whoever requested your onboarding hands you your first API key; it is shown once. To sign in "
        "yourself, ask for a link to set a password, for the address this mail went to.",
        "closing": "The HarborGrid team",
    },
    "de": {
        "subject": "Willkommen bei HarborGrid, {{organisation}}",
        "greeting": "Guten Tag {{name}},",
        "body": "{{organisation}} ist im Tarif {{plan}} eingerichtet. Ihr eigenes Datenbankschema, Ihr Lake und Ihr "
        "erstes Dashboard stehen bereit.",
        "next": "Ihren ersten API-Schlüssel erhalten Sie von der Person, die Sie angemeldet hat; er wird nur einmal "
        "angezeigt. Um sich selbst anzumelden, fordern Sie für die Adresse dieser E-Mail einen Link an, mit dem Sie "
        "ein Passwort festlegen.",
        "closing": "Ihr HarborGrid-Team",
    },
}


def welcome_mail(cmd: SendWelcomeEmail, message_id: str) -> Mail:
    """Text and HTML of the welcome mail."""
    facts = {"organisation": cmd.organisation, "name": cmd.owner_name, "plan": cmd.plan_code.capitalize()}
    return written(_WORDS, cmd.locale, facts, message_id, cmd.owner_name, cmd.owner_email)
