"""Mails in the reader's language (English where we have no other), as text and as HTML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import combustache

from domain.notifications.model import Mail

Words: TypeAlias = Mapping[str, Mapping[str, str]]
"""Templates by language: `subject`, then the paragraphs in their order."""

_HTML = """<!doctype html>
<html lang="{{lang}}"><body style="font-family:system-ui,sans-serif;color:#1b2733;max-width:36rem;margin:2rem auto">
<h1 style="font-size:1.25rem;color:#0b5c7d">HarborGrid</h1>
{{#paragraphs}}<p>{{.}}</p>{{/paragraphs}}{{#link}}
<p><a href="{{link}}" style="display:inline-block;background:#0b5c7d;color:#fff;padding:.6rem 1.2rem;
border-radius:.3rem;text-decoration:none">{{label}}</a></p>
<p style="font-size:.8rem;color:#51606e;overflow-wrap:anywhere">{{link}}</p>
{{/link}}
</body></html>
"""


def written(
    words: Words,
    locale: str,
    facts: Mapping[str, str],
    message_id: str,
    recipient_name: str,
    recipient: str,
    *,
    link: str = "",
) -> Mail:
    """The mail; facts are escaped in HTML and verbatim in text. With a link, the words have a `label` for it."""
    language = locale.split("-", maxsplit=1)[0].lower()
    language = language if language in words else "en"
    verbatim = {part: _verbatim(template, facts) for part, template in words[language].items()}
    subject = " ".join(verbatim.pop("subject").split())
    label = verbatim.pop("label", "")
    paragraphs = list(verbatim.values())
    shown = {"lang": language, "paragraphs": paragraphs, "link": link, "label": label}
    return Mail(
        message_id=message_id,
        recipient_name=recipient_name,
        recipient=recipient,
        subject=subject,
        text="\n\n".join([*paragraphs, *([f"{label}:\n{link}"] if link else [])]) + "\n",
        html=str(combustache.render(_HTML, shown)),
    )


def _verbatim(template: str, facts: Mapping[str, str]) -> str:
    return str(combustache.render(template, dict(facts), escape=str))
