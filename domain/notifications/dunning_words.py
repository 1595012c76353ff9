"""What customers are told about an invoice that could not be collected, in their language."""

from __future__ import annotations

from domain.notifications.writing import Words

_ABOUT = "invoice {{number}} of {{seller}} for {{amount}}"
_UEBER = "Rechnung {{number}} von {{seller}} über {{amount}}"
_ASK = "Questions? Write to {{contact}}."
_FRAGEN = "Fragen? Schreiben Sie an {{contact}}."


def _words(en: tuple[str, str, str], de: tuple[str, str, str]) -> Words:
    """Subject, body and what to do, in both languages."""
    return {
        "en": {"subject": en[0], "greeting": "Hello {{name}},", "body": en[1], "do": f"{en[2]} {_ASK}"},
        "de": {"subject": de[0], "greeting": "Guten Tag {{name}},", "body": de[1], "do": f"{de[2]} {_FRAGEN}"},
    }


DUNNING: dict[str, Words] = {
    "payment_failed": _words(
        (
            "Your payment to {{seller}} did not go through",
            f"we could not collect {_ABOUT} from {{{{method}}}}.",
            "We try again by ourselves. If the card has changed, please give us another payment method.",
        ),
        (
            "Ihre Zahlung an {{seller}} ist fehlgeschlagen",
            f"wir konnten {_UEBER} nicht von {{{{method}}}} einziehen.",
            "Wir versuchen es erneut. Hat sich die Karte geändert, hinterlegen Sie bitte ein anderes Zahlungsmittel.",
        ),
    ),
    "authenticate": _words(
        (
            "Please confirm your payment to {{seller}}",
            f"your bank wants to know that it is you who pays {_ABOUT}.",
            "Please confirm it here: {{link}} - without that nothing is collected.",
        ),
        (
            "Bitte bestätigen Sie Ihre Zahlung an {{seller}}",
            f"Ihre Bank möchte wissen, dass Sie es sind, der {_UEBER} bezahlt.",
            "Bitte bestätigen Sie hier: {{link}} - vorher wird nichts eingezogen.",
        ),
    ),
    "reminder": _words(
        (
            "Reminder: invoice {{number}} is not paid yet",
            f"{_ABOUT} is not paid yet.",
            "Please give us a payment method that works, or pay the invoice.",
        ),
        (
            "Erinnerung: Rechnung {{number}} ist noch offen",
            f"{_UEBER} ist noch offen.",
            "Bitte hinterlegen Sie ein gültiges Zahlungsmittel, oder bezahlen Sie die Rechnung.",
        ),
    ),
    "last_reminder": _words(
        (
            "Last reminder: invoice {{number}} is not paid yet",
            f"{_ABOUT} is still not paid.",
            "Without a payment your subscription will be suspended in a few days.",
        ),
        (
            "Letzte Erinnerung: Rechnung {{number}} ist noch offen",
            f"{_UEBER} ist immer noch offen.",
            "Ohne Zahlung wird Ihr Abonnement in wenigen Tagen gesperrt.",
        ),
    ),
    "suspended": _words(
        (
            "Your subscription at {{seller}} is suspended",
            f"{_ABOUT} was not paid, so your subscription is suspended.",
            "It goes on as soon as the invoice is paid.",
        ),
        (
            "Ihr Abonnement bei {{seller}} ist gesperrt",
            f"{_UEBER} wurde nicht bezahlt, daher ist Ihr Abonnement gesperrt.",
            "Es läuft weiter, sobald die Rechnung bezahlt ist.",
        ),
    ),
    "canceled": _words(
        (
            "Your subscription at {{seller}} has ended",
            f"{_ABOUT} was not paid, so your subscription has ended.",
            "The invoice is still owed.",
        ),
        (
            "Ihr Abonnement bei {{seller}} ist beendet",
            f"{_UEBER} wurde nicht bezahlt, daher ist Ihr Abonnement beendet.",
            "Die Rechnung ist weiterhin zu bezahlen.",
        ),
    ),
    "win_back": _words(
        (
            "{{seller}} would like to have you back",
            "your subscription ended because a payment failed. Nothing is lost yet.",
            "Give us a payment method that works, and go on where you stopped.",
        ),
        (
            "{{seller}} würde sich freuen, wenn Sie zurückkommen",
            "Ihr Abonnement endete, weil eine Zahlung fehlschlug. Noch ist nichts verloren.",
            "Hinterlegen Sie ein gültiges Zahlungsmittel, und machen Sie weiter, wo Sie aufgehört haben.",
        ),
    ),
}
