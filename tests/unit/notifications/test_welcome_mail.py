"""The welcome mail is safe to send whatever people are called."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.ids import TenantId
from domain.notifications.commands import SendWelcomeEmail
from domain.notifications.ids import NotificationId
from domain.notifications.model import masked
from domain.notifications.welcome import welcome_mail

names = st.text(min_size=1, max_size=40)


def command(**changes: str) -> SendWelcomeEmail:
    facts = {
        "tenant_id": TenantId.of(UUID(int=1)),
        "notification_id": NotificationId.of(UUID(int=2)),
        "organisation": "Northwind",
        "owner_name": "Ada",
        "owner_email": "ada@example.com",
        "plan_code": "pro",
        "locale": "en",
    }
    return SendWelcomeEmail.model_validate(facts | changes)


class TestWelcomeMail:
    @pytest.mark.parametrize(
        ("locale", "greeting"),
        [("en", "Hello Ada,"), ("de-AT", "Guten Tag Ada,"), ("xx", "Hello Ada,")],
        ids=["English", "Austrian German", "unknown"],
    )
    def test_speaks_the_customers_language(self, locale: str, greeting: str) -> None:
        mail = welcome_mail(command(locale=locale), "<1@example.com>")

        assert greeting in mail.text
        assert greeting in mail.html

    @given(names)
    def test_lets_no_name_become_markup_or_a_header(self, name: str) -> None:
        mail = welcome_mail(command(organisation=f"<script>{name}"), "<1@example.com>")

        assert "<script>" not in mail.html
        assert "\n" not in mail.subject
        assert "\r" not in mail.subject

    def test_writes_names_as_they_are_in_text(self) -> None:
        assert "O'Brien & Sons <ltd>" in welcome_mail(command(organisation="O'Brien & Sons <ltd>"), "<1@x>").text


class TestMasked:
    @given(st.emails().filter(lambda address: "*" not in address))
    def test_keeps_no_more_than_the_first_letter(self, address: str) -> None:
        local, _, domain = address.rpartition("@")

        assert masked(address).endswith(f"@{domain}")
        assert len(local) == 1 or local not in masked(address).removesuffix(f"@{domain}")
