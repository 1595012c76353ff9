"""The embedded mail catcher: an SMTP server that keeps what it is sent, and a page that shows it.

Like Cyrus or Sieve's `duplicate` test (RFC 7352), it keeps one copy per Message-ID and counts the repeats.
"""

from __future__ import annotations

import asyncio
import email
import hashlib
import json
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.policy import default
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
import uvicorn
from aiosmtpd.smtp import SMTP
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiosmtpd.smtp import Envelope
    from starlette.requests import Request

log = structlog.get_logger(__name__)


class Mailbox:
    """Mails in a folder: one `.eml` per Message-ID, and a `.json` beside it that counts deliveries."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, dict[str, str]] = {}
        folder.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:  # noqa: N802
        """Keep the mail (aiosmtpd calls this at the end of DATA)."""
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        name = await asyncio.to_thread(self.keep, content, list(envelope.rcpt_tos))
        return f"250 2.0.0 Ok: kept as {name}"

    def keep(self, content: bytes, recipients: list[str]) -> str:
        """Store one delivery; returns the mail's name."""
        message_id = email.message_from_bytes(content, policy=default).get("Message-ID", "")
        name = hashlib.sha256(message_id.encode() or content).hexdigest()[:16]
        facts = self._facts(name)
        mail = self._folder / f"{name}.eml"
        if not mail.exists():
            _write_whole(mail, content)
        facts = {"deliveries": facts.get("deliveries", 0) + 1, "recipients": recipients}
        _write_whole(self._folder / f"{name}.json", json.dumps(facts).encode())
        return name

    def mails(self) -> list[dict[str, Any]]:
        """What was kept, newest first."""
        paths = sorted(self._folder.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        return [self._described(path) for path in paths]

    def message(self, name: str) -> EmailMessage | None:
        """One mail."""
        path = self._folder / f"{name}.eml"
        if not name.isalnum() or not path.exists():
            return None
        message = email.message_from_bytes(path.read_bytes(), policy=default)
        assert isinstance(message, EmailMessage)
        return message

    def _facts(self, name: str) -> dict[str, Any]:
        path = self._folder / f"{name}.json"
        facts: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return facts

    def _described(self, path: Path) -> dict[str, Any]:
        # A mail that was kept does not change, and the list of all is asked for often.
        known = self._known.get(path.stem) or self._known.setdefault(path.stem, self._headers(path.stem))
        return {**known, "deliveries": self._facts(path.stem).get("deliveries", 1)}

    def _headers(self, name: str) -> dict[str, str]:
        message = self.message(name)
        assert message is not None
        return {
            "name": name,
            "from": str(message["From"]),
            "to": str(message["To"]),
            "subject": str(message["Subject"]),
            "messageId": str(message["Message-ID"]),
        }


def _write_whole(path: Path, content: bytes) -> None:
    """Whoever reads it at the same time finds what was there before, or all of this."""
    partial = path.with_name(f"{path.name}.part")
    partial.write_bytes(content)
    partial.replace(path)


def mailbox_app(mailbox: Mailbox) -> Starlette:
    """`/` for people, `/mails` for programs, `/mails/{name}` for one mail."""

    async def index(_: Request) -> Response:
        rows = "".join(
            f"<tr><td><a href='/mails/{mail['name']}'>{escape(mail['subject'])}</a></td>"
            f"<td>{escape(mail['to'])}</td><td>{mail['deliveries']}</td></tr>"
            for mail in await asyncio.to_thread(mailbox.mails)
        )
        return HTMLResponse(_PAGE.format(rows=rows or "<tr><td colspan=3>No mail yet.</td></tr>"))

    async def mails(_: Request) -> Response:
        return JSONResponse(await asyncio.to_thread(mailbox.mails))

    async def mail(request: Request) -> Response:
        message = await asyncio.to_thread(mailbox.message, request.path_params["name"])
        if message is None:
            return JSONResponse({"error": "no such mail; GET /mails lists them"}, status_code=404)
        body = message.get_body(("html", "plain"))
        content = body.get_content() if body is not None else ""
        # The mail is somebody else's page: no scripts, no loading of anything.
        return HTMLResponse(
            content, headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
        )

    return Starlette(routes=[Route("/", index), Route("/mails", mails), Route("/mails/{name}", mail)])


@asynccontextmanager
async def smtp_server(mailbox: Mailbox, host: str, port: int) -> AsyncIterator[int]:
    """An SMTP server for the length of the block; gives its port."""
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(mailbox, enable_SMTPUTF8=True, data_size_limit=10_000_000, ident="HarborGrid mail catcher"),
        host,
        port,
    )
    async with server:
        bound: int = server.sockets[0].getsockname()[1]
        yield bound


async def serve_mailbox(folder: Path, *, host: str, smtp_port: int, page_port: int) -> None:
    """Serve both until told to stop (SIGINT or SIGTERM)."""
    mailbox = Mailbox(folder)
    config = uvicorn.Config(mailbox_app(mailbox), host=host, port=page_port, log_level="warning", access_log=False)
    async with smtp_server(mailbox, host, smtp_port):
        log.info("mailbox.started", smtp_port=smtp_port, page_port=page_port)
        await uvicorn.Server(config).serve()


_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>HarborGrid mailbox</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;color:#1b2733}}
table{{width:100%;border-collapse:collapse}}
td,th{{text-align:left;padding:.5rem;border-bottom:1px solid #d5dee5}}</style>
<h1>Mailbox</h1><table><tr><th>Subject</th><th>To</th><th>Deliveries</th></tr>{rows}</table></html>"""
