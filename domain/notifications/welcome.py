"""The welcome mail, in the customer's language (English where we have no other)."""

from __future__ import annotations

import combustache

from domain.notifications.commands import SendWelcomeEmail
from domain.notifications.model import Mail

_WORDS = {
    "en": {
        "subject": "Welcome to HarborGrid, {{organisation}}",
        "greeting": "Hello {{name}},",
        "body": "{{organisation}} is ready on the {{plan}} plan. Your own database schema, lake and first dashboard "
        "are waiting for you.",
        "next": "Whoever requested your onboarding hands you your first API key; it is shown once.",
        "closing": "The HarborGrid team",
    },
    "de": {
        "subject": "Willkommen bei HarborGrid, {{organisation}}",
        "greeting": "Guten Tag {{name}},",
        "body": "{{organisation}} ist im Tarif {{plan}} eingerichtet. Ihr eigenes Datenbankschema, Ihr Lake und Ihr "
        "erstes Dashboard stehen bereit.",
        "next": "Ihren ersten API-Schlüssel erhalten Sie von der Person, die Sie angemeldet hat; er wird nur einmal "
        "angezeigt.",
        "closing": "Ihr HarborGrid-Team",
    },
}
_HTML = """<!doctype html>
<html lang="{{lang}}"><body style="font-family:system-ui,sans-serif;color:#1b2733;max-width:36rem;margin:2rem auto">
<h1 style="font-size:1.25rem;color:#0b5c7d">HarborGrid</h1>
<p>{{greeting}}</p><p>{{body}}</p><p>{{next}}</p><p>{{closing}}</p>
</body></html>
"""


def welcome_mail(cmd: SendWelcomeEmail, message_id: str) -> Mail:
    """Text and HTML of the welcome mail; names are escaped in HTML and verbatim in text."""
    language = cmd.locale.split("-")[0].lower()
    language = language if language in _WORDS else "en"
    facts = {"organisation": cmd.organisation, "name": cmd.owner_name, "plan": cmd.plan_code.capitalize()}
    verbatim = {part: _verbatim(template, facts) for part, template in _WORDS[language].items()}
    subject = " ".join(verbatim.pop("subject").split())
    return Mail(
        message_id=message_id,
        recipient_name=cmd.owner_name,
        recipient=cmd.owner_email,
        subject=subject,
        text="\n\n".join(verbatim.values()) + "\n",
        html=str(combustache.render(_HTML, {"lang": language, **verbatim})),
    )


def _verbatim(template: str, facts: dict[str, str]) -> str:
    return str(combustache.render(template, facts, escape=str))
