"""The few pages that people see: one file each, with the style and the script that they share put into it.

A strict Content-Security-Policy (CSP Level 3) names the hash of each page's own script and style: nothing else runs.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import combustache
from starlette.responses import HTMLResponse

_FOLDER = Path(__file__).parent / "html"


def page(name: str, facts: dict[str, Any] | None = None, *, status: int = 200) -> HTMLResponse:
    """A page, with the facts its script reads."""
    text, policy = _composed(name)
    headers = {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    # `<` could end the element that the facts are in.
    told = json.dumps(facts or {}).replace("<", "\\u003c")
    return HTMLResponse(text.replace("{{facts}}", told), status_code=status, headers=headers)


def printed(name: str, facts: dict[str, Any]) -> HTMLResponse:
    """A page without a script, to be read or printed: its file is a Mustache template of the facts, escaped."""
    template = (_FOLDER / f"{name}.html").read_text()
    policy = f"default-src 'none'; style-src '{_hash(template, 'style')}'; base-uri 'none'; frame-ancestors 'none'"
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return HTMLResponse(str(combustache.render(template, facts)), headers=headers)


@cache
def _composed(name: str) -> tuple[str, str]:
    text = (_FOLDER / f"{name}.html").read_text()
    for place, file in (("{{style}}", "style.css"), ("{{common}}", "common.js")):
        text = text.replace(place, (_FOLDER / file).read_text())
    script, style = (_hash(text, tag) for tag in ("script", "style"))
    allowed = [
        "default-src 'none'",
        f"script-src '{script}'",
        f"style-src '{style}'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
    return text, "; ".join(allowed)


def _hash(text: str, tag: str) -> str:
    [content] = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
