"""A real SMTP server that knows some people do not exist."""

from __future__ import annotations

from typing import Any

from adapters.notifications.mailbox import Mailbox


class PickyMailbox(Mailbox):
    """Refuses recipients at `refused.example` for good, as a real server refuses an unknown mailbox."""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        """Called by aiosmtpd for RCPT TO."""
        if address.endswith("@refused.example"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"
