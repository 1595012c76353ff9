"""Refusals of notifications."""

from domain.kernel.errors import NotFound, Refused, Unavailable


class DeliveryNotFound(NotFound):
    """There is no such delivery for this caller."""

    code = "notifications.delivery_not_found"


class MailRefused(Refused):
    """The mail server refuses this message for good (an SMTP 5yz answer)."""

    code = "notifications.mail_refused"
    status = 422
    hint = "Check the recipient's address; the server's answer is in details."


class MailServerUnavailable(Unavailable):
    """The mail server did not take the message now (no connection, or an SMTP 4yz answer)."""

    code = "notifications.mail_server_unavailable"
    hint = "Check HARBORGRID_SMTP_HOST and HARBORGRID_SMTP_PORT; it is tried again by itself."
