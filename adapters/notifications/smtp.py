"""Hands mail to an SMTP server (RFC 5321)."""

from __future__ import annotations

from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr

import aiosmtplib

from adapters.settings import Settings
from domain.notifications.errors import MailRefused, MailServerUnavailable
from domain.notifications.model import Mail


class SmtpSender:
    """One connection per mail. 5yz answers are refusals; everything else can be tried again."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def send(self, mail: Mail) -> str:
        """Raises MailRefused or MailServerUnavailable."""
        settings = self._settings
        try:
            _, answer = await aiosmtplib.send(
                self._compose(mail),
                hostname=settings.smtp_host,
                port=settings.smtp_port,
                username=settings.smtp_username or None,
                password=settings.smtp_password.get_secret_value() or None,
                start_tls=settings.smtp_starttls,
                timeout=20,
            )
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPResponseException) as refusal:
            code, said = _said(refusal)
            if 500 <= code < 600:
                raise MailRefused(f"the mail server refused the message: {code} {said}", answer=said) from refusal
            raise MailServerUnavailable(answer=said) from refusal
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as failure:
            raise MailServerUnavailable(reason=str(failure)) from failure
        except ValueError as malformed:
            raise MailRefused(f"the address cannot be written in a mail: {malformed}") from malformed
        return answer

    def _compose(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        sender_name, sender = parseaddr(self._settings.mail_from)
        local, _, domain = mail.recipient.rpartition("@")
        message["From"] = Address(sender_name, addr_spec=sender)
        message["To"] = Address(mail.recipient_name, username=local, domain=domain)
        message["Subject"] = mail.subject
        message["Message-ID"] = mail.message_id
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        return message


def _said(refusal: aiosmtplib.SMTPRecipientsRefused | aiosmtplib.SMTPResponseException) -> tuple[int, str]:
    if isinstance(refusal, aiosmtplib.SMTPRecipientsRefused):
        first = refusal.recipients[0]
        return first.code, first.message
    return refusal.code, refusal.message
