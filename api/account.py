"""`/account`: the page that mailed links lead to.

The link's secret is behind the #, which browsers keep to themselves: it is in no log and no Referer.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse


async def account_page(_: Request) -> HTMLResponse:
    """Reads the link, and asks for what it needs."""
    page, policy = _page()
    headers = {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return HTMLResponse(page, headers=headers)


@cache
def _page() -> tuple[str, str]:
    """The page, and a Content-Security-Policy (CSP Level 3) that allows its own script and style and nothing else."""
    page = (Path(__file__).parent / "account.html").read_text()
    script, style = (_hash(page, tag) for tag in ("script", "style"))
    allowed = [
        "default-src 'none'",
        f"script-src '{script}'",
        f"style-src '{style}'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
    return page, "; ".join(allowed)


def _hash(page: str, tag: str) -> str:
    [content] = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
