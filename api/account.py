"""`/account`: the page that mailed links lead to.

The link's secret is behind the #, which browsers keep to themselves: it is in no log and no Referer.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse

from api.pages import page


async def account_page(_: Request) -> HTMLResponse:
    """Reads the link, and asks for what it needs."""
    return page("account")
