"""Mails are kept whole, whoever looks at them in the meantime."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

from adapters.notifications.mailbox import Mailbox

MAIL = b"Message-ID: <one@harborgrid.example>\r\nSubject: Ahoy\r\n\r\nText\r\n"


def test_counts_deliveries_while_somebody_reads(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    mailbox.keep(MAIL, ["ada@example.com"])
    again = Thread(target=lambda: [mailbox.keep(MAIL, ["ada@example.com"]) for _ in range(300)])

    again.start()
    seen = []
    while again.is_alive():
        [mail] = mailbox.mails()
        seen.append(mail["deliveries"])
    again.join()

    assert seen == sorted(seen)
    assert [301] == [mail["deliveries"] for mail in mailbox.mails()]
